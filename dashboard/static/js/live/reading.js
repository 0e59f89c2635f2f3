// What a card says about one student now: pure, from what the page knows.

import { age, clock, isExpression, shownWord } from "./words.js";

export const STALE_S = 5;
const FIRST_SAMPLE_S = 20; // this long after the start a camera may still be opening

const BLANK = "◌";

/** {kind, emoji, appears, word, score, confidence, status, alert}; `kind` is "present", "away", "none" or "off". */
export function read(student, session, now) {
  const { entry, latest, status } = student;
  const nothing = (text, word = "no data", alert = false) =>
    ({ kind: "none", emoji: BLANK, appears: "", word, score: null, confidence: 0, status: text, alert });

  if (!entry.allowed) return { ...nothing(entry.reason, "off"), kind: "off" };
  if (entry.paused) return nothing("", "paused");
  if (!entry.camera) return nothing("no camera yet");
  if (student.state === "lost") return nothing(lostText(status, now), "no camera", true);
  if (student.state === "ended") return nothing(`the recording ended at ${clock(status.at)}`, "ended");
  if (student.state === "paused") return nothing("", "paused");
  if (latest === null) {
    return now - session.started_at < FIRST_SAMPLE_S ? nothing("camera is opening", "") : nothing("no data yet");
  }
  if (now - latest.captured_at > STALE_S) return nothing(`no data since ${clock(latest.captured_at)}`);

  if (latest.word === "away") {
    return { ...nothing(`away ${age(now - student.awaySince())}`, "away"), kind: "away", emoji: latest.emoji };
  }
  const seen = latest.reason === null || latest.reason === "unsure" || latest.reason === "presence only";
  if (!seen) return nothing("", latest.reason, latest.reason === "too dark" || latest.reason === "no camera");
  return {
    kind: "present",
    emoji: latest.emoji,
    appears: isExpression(latest.word) ? "appears " : "",
    word: shownWord(latest.word),
    score: latest.score,
    confidence: latest.confidence,
    status: latest.reason === "unsure" ? "too little to score" : "",
    alert: false,
  };
}

function lostText(status, now) {
  const quiet = now - status.at;
  return quiet < 60 ? "camera lost, trying again" : `camera lost ${age(quiet)} ago`;
}

/** The step of lightness a score has: three, and never alone (the numeral stands beside it). */
export const step = (score) => (score === null ? "none" : score < 4 ? "low" : score < 7 ? "mid" : "high");
