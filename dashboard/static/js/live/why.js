// What made a student's score: a panel beside the card while the pointer or the focus is on it. A click opens the dialog.

import { get } from "./api.js";
import { Explanation, noScore } from "./explanation.js";

const WAIT_MS = 250;  // a pointer that only passes opens nothing
const AGAIN_S = 2;    // while it is open, ask again at most so often
const GAP_PX = 8;

const part = (id) => document.getElementById(id);

export class Why {
  /** `find(student)` gives {student, state} or null; `open(student, card)` opens the student's dialog. */
  constructor(list, path, { find, open }) {
    Object.assign(this, { list, path, find });
    this.panel = part("why");
    this.explanation = new Explanation(part("why-words"), part("why-parts"), part("why-missing"));
    this.opener = null;
    list.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") this.#soon(this.#button(event)); });
    list.addEventListener("pointerleave", () => this.#soon(null));
    list.addEventListener("focusin", (event) => { if (event.target.matches(":focus-visible")) this.#show(this.#button(event)); });
    list.addEventListener("focusout", () => this.close());
    list.addEventListener("click", (event) => {
      const button = this.#button(event);
      if (!button) return;
      this.close();
      open(Number(button.closest(".card").dataset.student), button);
    });
    this.panel.addEventListener("pointerenter", () => clearTimeout(this.timer));
    this.panel.addEventListener("pointerleave", () => this.#soon(null));
    addEventListener("resize", () => { if (!this.panel.hidden) this.#place(); });
  }

  /** Close it; true where it was open. */
  close() {
    clearTimeout(this.timer);
    if (this.panel.hidden) return false;
    this.panel.hidden = true;
    this.opener.removeAttribute("aria-describedby");
    part("why-name").textContent = ""; // names stand nowhere longer than they are looked at
    this.explanation.show({ words: "" });
    return true;
  }

  /** Ask again where the student has newer data. */
  render() {
    if (this.panel.hidden) return;
    if (!this.opener.isConnected || this.opener.closest("[hidden]")) { this.close(); return; }
    const { student } = this.find(this.student) ?? {};
    if (student?.latest && student.latest.second >= (this.second ?? 0) + AGAIN_S) this.#ask();
  }

  #button(event) {
    return event.target.closest?.(".card")?.querySelector(".card-open") ?? null;
  }

  #soon(button) {
    clearTimeout(this.timer);
    if (button && button === this.opener && !this.panel.hidden) return;
    this.timer = setTimeout(() => { if (button) this.#show(button); else this.close(); }, WAIT_MS);
  }

  #show(button) {
    clearTimeout(this.timer);
    if (!button || document.querySelector("dialog[open]")) return;
    const id = Number(button.closest(".card").dataset.student);
    if (this.opener !== button) this.opener?.removeAttribute("aria-describedby");
    Object.assign(this, { opener: button, student: id });
    button.setAttribute("aria-describedby", "why-words");
    part("why-name").textContent = this.find(id)?.student.entry.name ?? "";
    this.panel.hidden = false;
    this.#tell({ words: "…" });
    this.#ask();
  }

  async #ask() {
    const id = this.student;
    const { student, state } = this.find(id) ?? {};
    this.second = student?.latest?.second;
    if (!student?.latest || state?.kind === "none" || state?.kind === "off") {
      this.#tell({ words: noScore(state) });
      return;
    }
    try {
      const told = await get(`${this.path}/students/${id}/explanation?at=${this.second}`);
      if (this.student === id && !this.panel.hidden) this.#tell(told);
    } catch (error) {
      if (this.student === id) this.#tell({ words: error.message });
    }
  }

  #tell(told) {
    this.explanation.show(told);
    this.#place();
  }

  /** Beside the card, where there is room; on a phone along the bottom edge. */
  #place() {
    const card = this.opener.closest(".card").getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.panel;
    const right = card.right + GAP_PX + width <= innerWidth;
    const left = right ? card.right + GAP_PX : Math.max(GAP_PX, card.left - GAP_PX - width);
    const top = Math.min(Math.max(GAP_PX, card.top), Math.max(GAP_PX, innerHeight - height - GAP_PX));
    this.panel.style.setProperty("--left", `${left}px`);
    this.panel.style.setProperty("--top", `${top}px`);
  }
}
