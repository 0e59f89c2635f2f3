// A student's dialog: their timeline, how the face appeared, gestures, what makes the score, and what a teacher can do.

import { t, tn } from "../words.js";
import { get, post } from "./api.js";
import { Corrections } from "./corrections.js";
import { Explanation, noScore } from "./explanation.js";
import { Look } from "./look.js";
import { StudentChart, stretch } from "./student_chart.js";
import { GESTURES, clock, minute, number, percent, shownWord } from "./words.js";

const SPAN_S = 600;
const AGAIN_S = 2;      // how often new seconds are asked for
const LEAST_SHARE = 0.01;
const WAIT_MS = 150;    // a moment that is only passed is not explained
const EMOJI = { neutral: "😐", happiness: "😀", surprise: "😮", sadness: "😢", anger: "😠", disgust: "🤢", fear: "😨", contempt: "😒" };

const part = (id) => document.getElementById(id);

export class StudentDialog {
  /** `page` gives find(student), session(), markers(), now(), may() and refresh(). */
  constructor(path, page) {
    Object.assign(this, { path, page });
    this.dialog = part("student");
    this.explanation = new Explanation(part("student-words"), part("student-parts"), part("student-missing"));
    this.look = new Look(path, { now: page.now, changed: () => page.refresh() });
    this.corrections = new Corrections(path, { now: page.now, onChanged: () => this.#draw() });
    this.chart = new StudentChart(part("student-chart"), {
      onStretch: (from, until) => this.corrections.choose(from, until),
      onMoment: (second) => this.#at(second),
    });
    this.dialog.addEventListener("close", () => this.#closed());
    part("student-pause").addEventListener("click", () => this.#pause());
    part("student-look").addEventListener("click", () => this.#look());
    part("student-whole").addEventListener("click", () => this.#whole());
    part("student-moment").addEventListener("input", (event) => this.#at(Number(event.target.value)));
    part("student-now").addEventListener("click", () => this.#at(null));
  }

  /** Open the dialog of a student; focus goes back to `opener` when it closes. */
  async open(student, opener) {
    Object.assign(this, { student, opener, moment: null, whole: false, rows: new Map(), emotions: null, gestures: [], asked: 0 });
    part("student-said").textContent = "";
    this.explanation.show({ words: "…" });
    this.#fillHeader();
    this.dialog.showModal();
    this.#draw();
    try {
      await Promise.all([this.#load(0), this.corrections.open(student, this.page.may())]);
      await this.#explain();
    } catch (error) { this.#say(error.message); }
  }

  close() {
    this.dialog.close();
  }

  /** Once a second: what the card says, and every other second what is new. */
  render() {
    if (!this.dialog.open) return;
    if (!this.page.find(this.student)) { this.close(); return; }
    this.#fillHeader();
    if (this.page.now() - this.asked < AGAIN_S) return;
    const last = Math.max(0, ...this.rows.keys());
    this.#load(last ? last + 1 : 0).then(() => (this.moment === null ? this.#explain() : null)).catch((error) => this.#say(error.message));
  }

  /** Something was changed, perhaps by another teacher. */
  changed() {
    if (this.dialog.open) this.corrections.load().catch((error) => this.#say(error.message));
  }

  recolour() {
    if (!this.dialog.open) return;
    this.chart.close();
    this.#draw();
  }

  #closed() {
    this.look.stop();
    clearTimeout(this.waiting);
    this.chart.close();
    for (const node of this.dialog.querySelectorAll("[data-personal]")) node.replaceChildren();
    if (this.opener?.isConnected) this.opener.focus();
  }

  async #load(since) {
    const { student } = this;
    this.asked = this.page.now();
    const told = await get(`${this.path}/students/${student}/timeline?since=${since}`);
    if (student !== this.student || !this.dialog.open) return;
    for (const row of told.seconds) this.rows.set(row.second, row);
    this.gestures = told.gestures;
    if (told.expression) {
      this.emotions ??= {};
      for (const [name, seconds] of Object.entries(told.expression)) this.emotions[name] = (this.emotions[name] ?? 0) + seconds;
    }
    this.#draw();
    this.#fillLists();
  }

  #fillHeader() {
    const { student, state } = this.page.find(this.student);
    const { entry } = student;
    write("student-name", entry.name);
    write("student-emoji", state?.emoji ?? "");
    const word = [state?.appears, state?.word].filter(Boolean).join(" ");
    const score = state?.score == null ? null : t("{score} of 10", { score: number(state.score) });
    write("student-state", [score, word, state?.status, entry.seat && t("seat {seat}", { seat: entry.seat })].filter(Boolean).join(" · "));
    const own = entry.paused && !this.page.session().paused;
    write("student-pause", own ? t("Go on") : t("Pause"));
    part("student-pause").setAttribute("aria-pressed", String(own));
    part("student-pause").disabled = this.page.session().paused || !entry.allowed || !entry.camera;
    part("student-look").disabled = entry.paused || !entry.camera || !["full", "attention"].includes(entry.mode);
  }

  #draw() {
    if (!this.dialog.open || !window.uPlot) return;
    const now = this.page.now(), start = this.page.session().started_at;
    const range = stretch(start, now, this.whole ? Infinity : SPAN_S);
    this.chart.show(this.rows, range, {
      gestures: this.gestures, corrections: this.corrections.rows, markers: this.page.markers(),
    });
    const slider = part("student-moment");
    slider.min = Math.ceil(Math.max(range[0], start));
    slider.max = range[1];
    if (this.moment === null) slider.value = range[1];
    slider.setAttribute("aria-valuetext", this.moment === null ? t("now") : clock(this.moment));
    part("student-whole").hidden = now - start <= SPAN_S;
    part("student-chart").setAttribute("aria-label", this.#words(range));
  }

  /** The chart in words. */
  #words([from, to]) {
    const scores = [...this.rows.values()].filter((row) => row.second >= from && row.second <= to && row.score !== null).map((row) => row.score);
    if (!scores.length) return t("No scores from {from} to {until}", { from: minute(from), until: minute(to) });
    const low = scores.reduce((a, b) => Math.min(a, b)), high = scores.reduce((a, b) => Math.max(a, b));
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    return t("Score from {from} to {until}: {mean} on average, between {low} and {high}", {
      from: minute(from), until: minute(to), mean: number(mean), low: number(low), high: number(high),
    });
  }

  #fillLists() {
    const total = Object.values(this.emotions ?? {}).reduce((sum, seconds) => sum + seconds, 0);
    part("student-expression").hidden = !total;
    const shares = Object.entries(this.emotions ?? {}).map(([name, seconds]) => [name, seconds / total]);
    const shown = shares.filter(([, share]) => share >= LEAST_SHARE).sort((a, b) => b[1] - a[1]);
    part("student-shares").replaceChildren(...(total ? shown.map(shareItem) : []));
    const kinds = new Map();
    for (const gesture of this.gestures) kinds.set(gesture.kind, [...(kinds.get(gesture.kind) ?? []), gesture.started_at]);
    part("student-gestures").replaceChildren(...[...kinds].map(gestureItem));
    part("student-no-gestures").hidden = kinds.size > 0;
    const slow = this.page.find(this.student)?.student.latest?.too_slow_for ?? [];
    const kindsSlow = slow.filter((kind) => kind !== "blink").map((kind) => GESTURES[kind] ?? kind).join(", ");
    write("student-slow", kindsSlow && t("Not read at this frame rate: {kinds}.", { kinds: kindsSlow }));
  }

  /** Explain this second, or from now on the newest where null. */
  #at(second) {
    const newest = Math.floor(this.page.now()) - 1;
    this.moment = second === null || second >= newest ? null : second;
    part("student-moment").value = this.moment ?? newest + 1;
    part("student-now").hidden = this.moment === null;
    this.chart.mark(this.moment);
    write("student-when", this.moment === null ? t("now") : t("at {time}", { time: clock(this.moment) }));
    part("student-moment").setAttribute("aria-valuetext", this.moment === null ? t("now") : clock(this.moment));
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.#explain().catch((error) => this.#say(error.message)), WAIT_MS);
  }

  async #explain() {
    const { student, moment } = this;
    const { state, student: known } = this.page.find(student) ?? {};
    if (moment === null && (!known?.latest || state?.kind === "none" || state?.kind === "off")) {
      this.explanation.show({ words: noScore(state) });
      return;
    }
    const told = await get(`${this.path}/students/${student}/explanation?at=${moment ?? known.latest.second}`).catch((error) => ({ words: error.message }));
    if (student === this.student && moment === this.moment) this.explanation.show(told);
  }

  #whole() {
    this.whole = !this.whole;
    part("student-whole").setAttribute("aria-pressed", String(this.whole));
    this.#draw();
  }

  async #pause() {
    const { entry } = this.page.find(this.student).student;
    try {
      await post(`${this.path}/pause`, { paused: !entry.paused, student: this.student });
      await this.page.refresh();
      this.#fillHeader();
      this.#say(entry.paused ? t("The camera is looked at again.") : t("Paused: this camera is not looked at."));
    } catch (error) { this.#say(error.message); }
  }

  async #look() {
    try {
      await this.look.ask(this.student, (words, left) => {
        this.#say(words);
        write("student-left", left === null ? "" : String(left));
      });
    } catch (error) { this.#say(error.message); }
  }

  #say(text) {
    write("student-said", text);
  }
}

function write(id, text) {
  const node = part(id);
  if (node.textContent !== text) node.textContent = text;
}

function shareItem([name, share]) {
  const root = document.createElement("li");
  const bar = Object.assign(document.createElement("span"), { className: "share" });
  bar.style.setProperty("--share", share);
  bar.setAttribute("aria-hidden", "true");
  const emoji = Object.assign(document.createElement("span"), { className: "emoji", textContent: EMOJI[name] });
  emoji.setAttribute("aria-hidden", "true");
  root.append(emoji, Object.assign(document.createElement("span"), { textContent: shownWord(name) }), bar,
    Object.assign(document.createElement("span"), { className: "percent", textContent: percent(share) }));
  return root;
}

function gestureItem([kind, times]) {
  const last = minute(Math.max(...times));
  const text = tn("{what}, at {last}", "{what}, {n} times, last at {last}", times.length, { what: GESTURES[kind] ?? kind, last });
  return Object.assign(document.createElement("li"), { textContent: text });
}
