// What the page asks: is this still the student? One question a student, kept while it stands.
import { t } from "../words.js";

export class Questions {
  /** `handlers`: nameOf(student), onYes(student, face), onNo(student), onChoose(student), onLook(face), say(text). */
  constructor(section, handlers) {
    this.section = section;
    this.list = section.querySelector("ul");
    this.handlers = handlers;
    this.asked = new Map();
  }

  draw(names) {
    const open = names.filter((name) => name.hold === "unsure" && (name.maybe.length || name.alike));
    for (const [student, item] of this.asked) {
      if (!open.some((name) => name.student === student)) { item.remove(); this.asked.delete(student); }
    }
    for (const name of open) this.#ask(name);
    this.section.hidden = open.length === 0;
  }

  #ask(name) {
    const known = this.asked.get(name.student);
    const kind = name.alike ? "alike" : "still";
    if (known && known.dataset.kind === kind) { known.dataset.face = name.maybe[0] ?? ""; return; }
    const item = document.createElement("li"), person = this.handlers.nameOf(name.student);
    item.dataset.kind = kind;
    item.dataset.face = name.maybe[0] ?? "";
    const text = document.createElement("p"), row = document.createElement("div");
    text.textContent = name.alike
      ? t("{name} cannot be told from another tile that looks the same, and is not read while both are there.", { name: person })
      : t("Is this still {name}?", { name: person });
    row.className = "row";
    if (!name.alike) {
      row.append(this.#button(t("Yes"), () => this.handlers.onYes(name.student, Number(item.dataset.face)), "main"));
      row.append(this.#button(t("Show"), () => this.handlers.onLook(Number(item.dataset.face))));
    }
    row.append(this.#button(t("No"), () => this.handlers.onNo(name.student)));
    if (!name.alike) row.append(this.#button(t("Choose another face"), () => this.handlers.onChoose(name.student)));
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", text.textContent);
    item.append(text, row);
    known?.remove();
    this.list.append(item);
    this.asked.set(name.student, item);
    this.handlers.say(text.textContent);
  }

  #button(text, press, look = "") {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: text, className: look });
    button.addEventListener("click", press);
    return button;
  }
}
