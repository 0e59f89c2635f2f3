// "How is it going?" every ten minutes, for those who want to be asked.
import { t } from "../words.js";
import { post } from "./api.js";

const EVERY_MS = 10 * 60_000;

export class CheckIn {
  constructor(box, form, say) {
    this.box = box;
    this.form = form;
    this.say = say;
    this.askAt = Infinity;
    box.addEventListener("change", () => this.#plan(0));
    form.addEventListener("submit", (event) => { event.preventDefault(); this.#answer(Number(event.submitter?.value)); });
    form.querySelector("#not-now").addEventListener("click", () => this.#plan(EVERY_MS));
  }

  tick(now = performance.now()) {
    if (now >= this.askAt && this.form.hidden) this.form.hidden = false;
  }

  #plan(wait_ms) {
    this.form.hidden = true;
    this.askAt = this.box.checked ? performance.now() + wait_ms : Infinity;
    this.tick();
  }

  async #answer(value) {
    try {
      await post("/check-ins", { value });
      this.say(t("Thank you."));
      this.#plan(EVERY_MS);
      this.box.focus();
    } catch (error) { this.say(error.message); }
  }
}
