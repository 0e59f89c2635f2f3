// The student's own reading: emoji and word at the right, and what the teacher sees of it.
import { t } from "../words.js";

const STALE_S = 10;
const NOTHING = "▫️", THERE = "✅", AWAY = "👋", OFF = "⏸️";

const WORDS = {
  neutral: () => t("neutral"), happiness: () => t("happy"), surprise: () => t("surprised"), sadness: () => t("sad"),
  anger: () => t("angry"), disgust: () => t("disgusted"), fear: () => t("afraid"), contempt: () => t("scornful"),
  unknown: () => t("unclear"), drowsy: () => t("drowsy"),
};
const OTHERS = {
  present: () => t("present"), away: () => t("away"), "too dark": () => t("too dark"), "no camera": () => t("no camera"),
  paused: () => t("paused"), "no consent": () => t("not sharing"),
};

const part = (id) => document.getElementById(id);
const write = (id, text) => { const node = part(id); if (node && node.textContent !== text) node.textContent = text; };
const clock = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export class Reading {
  constructor(mode) {
    this.mode = mode;
    this.second = -1;
    this.count = 0;
    this.shownAt = -Infinity;
  }

  /** Take in a second; one that is known, or older than what is shown, changes nothing. */
  show(reading, now = performance.now()) {
    if (reading.second <= this.second) return;
    this.second = reading.second;
    this.count += 1;
    this.shownAt = now;
    const feeling = reading.word in WORDS;
    const icon = this.mode === "full" ? reading.emoji : reading.word === "away" ? AWAY : reading.word === "present" ? THERE : reading.emoji;
    const word = (WORDS[reading.word] ?? OTHERS[reading.word] ?? (() => reading.word))();
    this.#draw(icon, word, feeling);
    write("seen-word", feeling ? t("appears {word}", { word }) : word);
    write("seen-score", reading.score === null ? t("no data") : reading.score.toFixed(1));
    write("seen-sure", reading.score === null ? "–" : `${Math.round(reading.confidence * 100)} %`);
    write("seen-at", clock.format(reading.captured_at * 1000));
    const doing = reading.doing && { "looking away": t("looking away"), "looking down": t("looking down") }[reading.doing.words];
    write("sight", doing ?? "");
    part("sight").hidden = !doing;
  }

  /** Say that there is nothing, after a while without. */
  tick(now = performance.now()) {
    if (now - this.shownAt > STALE_S * 1000 && this.shownAt !== -Infinity) this.clear(t("no data"));
  }

  clear(word, icon = NOTHING) {
    this.shownAt = -Infinity;
    this.#draw(icon, word, false);
    write("seen-word", word);
    write("seen-score", t("no data"));
    write("seen-sure", "–");
    part("sight").hidden = true;
  }

  paused() {
    this.clear(t("paused"), OFF);
  }

  #draw(icon, word, feeling) {
    write("emoji", icon);
    write("word", word);
    part("appears").hidden = !feeling;
  }
}
