// What a teacher saw instead: "was engaged", "was not", for a stretch of time; and the way back.

import { t } from "../words.js";
import { get, post, remove } from "./api.js";
import { clock } from "./words.js";

const DAY_S = 86400;
const AHEAD_S = 60; // a time of day later than this from now is yesterday's

const part = (id) => document.getElementById(id);

export class Corrections {
  /** `now()` is the server's time; `onChanged(rows)` gets the corrections of the student shown. */
  constructor(path, { now, onChanged }) {
    Object.assign(this, { path, now, onChanged });
    this.rows = [];
    part("seen").addEventListener("click", (event) => {
      const { value } = event.target.closest("button[data-engaged]") ?? {};
      if (value) this.#add(value === "yes");
    });
    part("seen-lasts").addEventListener("click", (event) => {
      const seconds = Number(event.target.closest("button")?.value);
      if (seconds) this.choose(this.now() - seconds, this.now());
    });
    part("seen-list").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.#withdraw(Number(button.value));
    });
  }

  /** Begin with a student; `may` says whether this person may correct. */
  open(student, may) {
    this.student = student;
    part("seen").hidden = !may;
    this.say("");
    this.#show([]);
    this.choose(this.now() - 60, this.now());
    return this.load();
  }

  async load() {
    const student = this.student;
    const { corrections } = await get(`${this.path}/corrections`);
    if (student === this.student) this.#show(corrections.filter((row) => row.student === student));
  }

  /** Put a stretch into the fields, Unix seconds. */
  choose(from, until) {
    part("seen-from").value = clock(from);
    part("seen-until").value = clock(until);
  }

  say(text) {
    part("seen-said").textContent = text;
  }

  async #add(engaged) {
    const from = this.#time("seen-from"), until = this.#time("seen-until");
    if (from === null || until === null || until <= from) {
      this.say(t("Give a time at which it began, and a later one at which it ended."));
      return;
    }
    await this.#ask(() => post(`${this.path}/students/${this.student}/corrections`, { engaged, from, until }),
      t("Noted. It helps to fit the score; nothing shown changes."));
  }

  async #withdraw(id) {
    await this.#ask(() => remove(`${this.path}/corrections/${id}`), t("Withdrawn."));
    part("seen-until").focus();
  }

  async #ask(call, done) {
    try {
      await call();
      await this.load();
      this.say(done);
    } catch (error) {
      this.say(error.message);
    }
  }

  /** The Unix second of a field: today's, or yesterday's where that would lie ahead. */
  #time(id) {
    const found = /^(\d\d):(\d\d)(?::(\d\d))?/.exec(part(id).value);
    if (!found) return null;
    const [hours, minutes, seconds] = found.slice(1).map((text) => Number(text ?? 0));
    const now = this.now();
    const second = new Date(now * 1000).setHours(hours, minutes, seconds, 0) / 1000;
    return second > now + AHEAD_S ? second - DAY_S : second;
  }

  #show(rows) {
    this.rows = rows;
    part("seen-list").replaceChildren(...rows.map(item));
    this.onChanged(rows);
  }
}

function item(row) {
  const root = document.createElement("li");
  const times = { from: clock(row.from), until: clock(row.until) };
  const text = row.engaged ? t("Was engaged, {from}–{until}", times) : t("Was not engaged, {from}–{until}", times);
  root.append(Object.assign(document.createElement("span"), { textContent: row.own ? text : `${text} (${t("by a colleague")})` }));
  if (row.own) {
    const button = Object.assign(document.createElement("button"), { type: "button", value: row.id, textContent: t("Withdraw") });
    button.setAttribute("aria-label", t("Withdraw: {what}", { what: text }));
    root.append(button);
  }
  return root;
}
