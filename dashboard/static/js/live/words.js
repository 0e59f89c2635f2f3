// Every word for what the live page knows of a student, and how it writes times and numbers.

import { language, t, tn } from "../words.js";

const APPEARS = {
  neutral: t("neutral"), happiness: t("happy"), surprise: t("surprised"), sadness: t("sad"), anger: t("angry"),
  disgust: t("disgusted"), fear: t("afraid"), contempt: t("scornful"), unknown: t("unclear"), drowsy: t("drowsy"),
};

/** What the API says in fixed words, in the reader's. */
const SAID = {
  away: t("away"), present: t("present"), "too dark": t("too dark"), "no camera": t("no camera"), paused: t("paused"),
  "no consent": t("no consent"), unsure: t("too little to score"), "presence only": t("presence only"),
  "looking away": t("looking away"), "looking down": t("looking down"),
  "no consent on record": t("no consent on record"), "said no": t("said no"),
  "a guardian has not consented": t("a guardian has not consented"),
  "no machine reaches this camera": t("no machine reaches this camera"),
};

export const GESTURES = {
  nod: t("nod"), shake: t("shake of the head"), speaking: t("mouth moves as in speaking"), yawn: t("yawn"), blink: t("blink"),
  drowsy: t("drowsy spell"), looking_away: t("looks away"), head_down: t("head down"), left_seat: t("left the seat"),
  leaning_in: t("leans in"), raised_hand: t("raised hand"), hand_to_face: t("hand to the face"),
};

/** Whether a word names an expression: the page then writes "appears" before it. */
export const isExpression = (word) => word in APPEARS;

/** What stands under the emoji; a word that is no expression ("away", "present") is said as it is. */
export const shownWord = (word) => APPEARS[word] ?? said(word);

export const said = (word) => SAID[word] ?? word;

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const minuteFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const tenth = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: false });
const TENTHS = Array.from({ length: 101 }, (_, tenths) => tenth.format(tenths / 10)); // scores are written thirty times a second

/** 10:14:03 */
export const clock = (seconds) => clockFormat.format(seconds * 1000);

/** 10:14 */
export const minute = (seconds) => minuteFormat.format(seconds * 1000);

/** 40 s, then 3 min: no false precision, and no text that changes every second for long. */
export function age(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole < 10 ? whole : Math.floor(whole / 5) * 5} s`;
  return `${Math.floor(whole / 60)} min`;
}

export const number = (value) => TENTHS[Math.round(value * 10)] ?? tenth.format(value);

export const percent = (share) => `${Math.round(share * 100)} %`;

export function direction(change) {
  if (change === null) return { arrow: "", words: "" };
  if (Math.abs(change) < 0.25) return { arrow: "→", words: t("steady for 2 min") };
  const points = number(Math.abs(change));
  return change > 0 ? { arrow: "↗", words: t("up {points} in 2 min", { points }) } : { arrow: "↘", words: t("down {points} in 2 min", { points }) };
}

/** Who is meant, where not all can be named: "Ben and 3 more". */
export function names(all, most = 3) {
  const first = all.slice(0, most).join(", ");
  return all.length > most ? tn("{first} and {n} more", "{first} and {n} more", all.length - most, { first }) : first;
}
