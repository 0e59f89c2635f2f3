// The students' names: dragged with mouse, pen or finger, or chosen by a press and put on a face by the next.
import { t } from "../words.js";

const DRAG_FROM_PX = 8;
const HOLDS = {
  sure: () => t("seen"), away: () => t("not before the camera"), hidden: () => t("not in the picture"), unsure: () => t("not sure"),
};

export class People {
  /** `handlers`: onArm(student or null), onDrop(student, face), onRemove(student). */
  constructor(list, stage, handlers) {
    this.list = list;
    this.stage = stage;
    this.handlers = handlers;
    this.rows = new Map();
    this.armed = null;
  }

  /** Take the students who are in the session. */
  set(people) {
    this.people = new Map(people.map((person) => [person.student, person]));
    for (const [student, row] of this.rows) if (!this.people.has(student)) { row.remove(); this.rows.delete(student); }
    for (const person of people) {
      if (!this.rows.has(person.student)) { this.#make(person); this.list.append(this.rows.get(person.student)); } // never moved: the focus may be in it
    }
    this.draw([]);
  }

  nameOf(student) {
    return this.people?.get(student)?.name ?? "";
  }

  /** Say beside each name how it stands. */
  draw(names) {
    const stands = new Map(names.map((name) => [name.student, name]));
    for (const [student, row] of this.rows) {
      const person = this.people.get(student), name = stands.get(student);
      const chip = row.firstChild;
      chip.setAttribute("aria-disabled", String(!person.nameable));
      chip.setAttribute("aria-pressed", String(this.armed === student));
      const note = name ? HOLDS[name.hold]() : person.reason ? t(person.reason) : "";
      if (chip.lastChild.textContent !== note) chip.lastChild.textContent = note;
      row.lastChild.hidden = !name;
    }
  }

  arm(student) {
    this.armed = this.armed === student ? null : student;
    for (const [each, row] of this.rows) row.firstChild.setAttribute("aria-pressed", String(this.armed === each));
    this.handlers.onArm(this.armed);
  }

  #make(person) {
    const row = document.createElement("li"), chip = document.createElement("button"), off = document.createElement("button");
    row.className = "person";
    chip.type = off.type = "button";
    chip.className = "chip";
    chip.append(Object.assign(document.createElement("span"), { textContent: person.name }), document.createElement("small"));
    chip.addEventListener("click", () => { if (!this.dragged && this.#may(person.student)) this.arm(person.student); });
    chip.addEventListener("pointerdown", (event) => this.#press(event, person.student));
    off.className = "plain";
    off.hidden = true;
    off.textContent = "✕";
    off.setAttribute("aria-label", t("Take the name of {name} off", { name: person.name }));
    off.addEventListener("click", () => this.handlers.onRemove(person.student));
    row.append(chip, off);
    this.rows.set(person.student, row);
  }

  #may(student) {
    return this.people.get(student)?.nameable ?? false;
  }

  #press(down, student) {
    this.dragged = false;
    if (down.button !== 0 || !this.#may(student)) return;
    const chip = down.currentTarget;
    let ghost = null;
    const move = (event) => {
      if (!ghost && Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) < DRAG_FROM_PX) return;
      if (!ghost) {
        this.dragged = true;
        ghost = Object.assign(document.createElement("div"), { className: "ghost", textContent: this.nameOf(student) });
        document.body.append(ghost);
      }
      Object.assign(ghost.style, { left: `${event.clientX}px`, top: `${event.clientY}px` });
      this.stage.hover(this.stage.at(event.clientX, event.clientY));
    };
    const end = (event) => {
      for (const [kind, handler] of [["pointermove", move], ["pointerup", end], ["pointercancel", end]]) chip.removeEventListener(kind, handler);
      ghost?.remove();
      this.stage.hover(null);
      const face = this.dragged && event.type === "pointerup" ? this.stage.at(event.clientX, event.clientY) : null;
      if (face !== null) this.handlers.onDrop(student, face);
    };
    chip.setPointerCapture(down.pointerId);
    for (const [kind, handler] of [["pointermove", move], ["pointerup", end], ["pointercancel", end]]) chip.addEventListener(kind, handler);
  }
}
