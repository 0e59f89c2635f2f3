// The boxes over the picture: one button each, kept from view to view so that the keyboard's place is not lost.
import { t } from "../words.js";

const percent = (share) => `${(share * 100).toFixed(2)}%`;

export class Stage {
  /** `onChoose(face)` is called when a box is pressed. */
  constructor(stage, boxes, onChoose) {
    this.stage = stage;
    this.boxes = boxes;
    this.onChoose = onChoose;
    this.shown = new Map();
  }

  /** Draw a view; `nameOf(student)` is for labels. */
  draw(view, nameOf) {
    this.stage.style.aspectRatio = `${view.width} / ${view.height}`;
    const labels = new Map(), asked = new Map();
    for (const name of view.names) {
      if (name.face !== null) labels.set(name.face, nameOf(name.student));
      for (const face of name.hold === "unsure" ? name.maybe : []) asked.set(face, nameOf(name.student));
    }
    const present = new Set();
    for (const face of [...view.faces].sort((a, b) => Math.round((a.y - b.y) * 8) || a.x - b.x)) {
      present.add(face.id);
      this.#place(face, labels.get(face.id), asked.get(face.id));
    }
    for (const [id, box] of this.shown) {
      if (present.has(id)) continue;
      if (box === document.activeElement) this.boxes.focus();
      box.remove();
      this.shown.delete(id);
    }
    this.#order(view);
  }

  clear() {
    this.shown.clear();
    this.boxes.replaceChildren();
  }

  /** The face under a point of the page, or null. */
  at(x, y) {
    const box = document.elementFromPoint(x, y)?.closest(".box");
    return box ? Number(box.dataset.face) : null;
  }

  /** Mark the face that a name is dragged over. */
  hover(face) {
    for (const [id, box] of this.shown) box.classList.toggle("over", id === face);
  }

  focus(face) {
    this.shown.get(face)?.focus();
  }

  #place(face, name, maybe) {
    let box = this.shown.get(face.id);
    if (!box) {
      box = document.createElement("button");
      box.type = "button";
      box.dataset.face = face.id;
      box.append(document.createElement("span"));
      box.addEventListener("click", () => this.onChoose(face.id));
      this.shown.set(face.id, box);
      this.boxes.append(box);
    }
    Object.assign(box.style, { left: percent(face.x), top: percent(face.y), width: percent(face.w), height: percent(face.h) });
    box.className = name ? "box named" : maybe ? "box asked" : "box";
    const label = name ?? (maybe ? t("{name}?", { name: maybe }) : t("Nobody"));
    if (box.firstChild.textContent !== label) box.firstChild.textContent = label;
    const spoken = name ? t("Face of {name}", { name }) : maybe ? t("Face that may be {name}", { name: maybe }) : t("Face without a name");
    if (box.getAttribute("aria-label") !== spoken) box.setAttribute("aria-label", spoken);
  }

  /** Tab goes row by row; the element that has the focus is never moved. */
  #order(view) {
    const wanted = [...view.faces].sort((a, b) => Math.round((a.y - b.y) * 8) || a.x - b.x).map((face) => this.shown.get(face.id));
    if (wanted.includes(document.activeElement)) return;
    wanted.forEach((box, place) => { if (this.boxes.children[place] !== box) this.boxes.insertBefore(box, this.boxes.children[place] ?? null); });
  }
}
