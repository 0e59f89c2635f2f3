// Every word the live page writes, in one place.

const APPEARS = {
  neutral: "neutral", happiness: "happy", surprise: "surprised", sadness: "sad", anger: "angry",
  disgust: "disgusted", fear: "afraid", contempt: "scornful", unknown: "unclear", drowsy: "drowsy",
};

/** Whether a word names an expression: the page then writes "appears" before it. */
export const isExpression = (word) => word in APPEARS;

/** What stands under the emoji; a word that is no expression ("away", "present") stays as it is. */
export const shownWord = (word) => APPEARS[word] ?? word;

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const minuteFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });

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

export const number = (value) => value.toFixed(1);

export function direction(change) {
  if (change === null) return { arrow: "", words: "" };
  if (Math.abs(change) < 0.25) return { arrow: "→", words: "steady for 2 min" };
  const up = change > 0;
  return { arrow: up ? "↗" : "↘", words: `${up ? "up" : "down"} ${number(Math.abs(change))} in 2 min` };
}

export const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;
