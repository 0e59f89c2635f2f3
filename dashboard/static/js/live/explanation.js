// What made a score, in words and points: the same in the panel beside a card and in a student's dialog.

import { said, t } from "../words.js";
import { number } from "./words.js";

const TELLING = 0.05; // fewer points are not worth a line

const TERMS = {
  attention: t("Attention"), alertness: t("Alertness"), expression: t("Expression"), participation: t("Participation"),
  drowsy: t("Drowsiness"), smoothing: t("The seconds before"),
};

const signed = (points) => (points < 0 ? "−" : "+") + number(Math.abs(points));

/** Three nodes that say it: a line of words, a list of parts, what was not read. */
export class Explanation {
  constructor(words, parts, missing) {
    Object.assign(this, { words, parts, missing });
  }

  /** Show what the API told; `told` may be only words. */
  show({ words, parts = [], missing = [] }) {
    this.words.textContent = said(words);
    this.parts.replaceChildren(...parts.filter((cost) => Math.abs(cost.points) >= TELLING).map(row));
    this.missing.textContent = missing.length ? t("Not read: {parts}.", { parts: missing.map((name) => TERMS[name] ?? name).join(", ") }) : "";
  }
}

function row(cost) {
  const item = document.createElement("li");
  for (const [kind, text] of [["points", signed(cost.points)], ["term", TERMS[cost.term] ?? cost.term], ["said", said(cost.words)]]) {
    item.append(Object.assign(document.createElement("span"), { className: kind, textContent: text }));
  }
  return item;
}

/** Why there is no score now. */
export const noScore = (state) =>
  t("No score: {reason}.", { reason: [state?.word, state?.status].filter(Boolean).join(", ") || t("no data") });
