// What a card says about one student now: pure, from what the page knows.

import { t } from "../words.js";
import { age, clock, isExpression, said, shownWord } from "./words.js";

export const STALE_S = 5;
const FIRST_SAMPLE_S = 20; // this long after the start a camera may still be opening

const NO_MACHINE = "no machine reaches this camera"; // as engage/core/sites.py says it

const BLANK = "◌";

/** {kind, emoji, appears, word, score, confidence, status, alert}; `kind` is "present", "away", "none" or "off". */
export function read(student, session, now) {
  const { entry, latest, status } = student;
  const nothing = (text, word = t("no data"), alert = false) =>
    ({ kind: "none", emoji: BLANK, appears: "", word, score: null, confidence: 0, status: text, alert });

  if (!entry.allowed) return { ...nothing(said(entry.reason), t("off")), kind: "off" };
  if (entry.paused) return nothing("", t("paused"));
  if (!entry.camera) return nothing(t("no camera yet"));
  if (student.state === "lost") return entry.own_device ? nothing(since(status.at), t("not sharing")) : nothing(lostText(status, now), t("no camera"), true);
  if (student.state === "ended") return nothing(t("the recording ended at {time}", { time: clock(status.at) }), t("ended"));
  if (student.state === "paused") return nothing("", t("paused"));
  if (latest === null) {
    if (entry.own_device) return nothing(t("has not joined yet"), t("not sharing"));
    return now - session.started_at < FIRST_SAMPLE_S ? nothing(t("camera is opening"), "") : nothing(t("no data yet"));
  }
  if (now - latest.captured_at > STALE_S) return nothing(t("no data since {time}", { time: clock(latest.captured_at) }));

  if (latest.word === "away") {
    const text = t("away {age}", { age: age(now - student.awaySince()) });
    return { ...nothing(text, t("away")), kind: "away", emoji: latest.emoji };
  }
  const seen = latest.reason === null || latest.reason === "unsure" || latest.reason === "presence only";
  if (!seen) return nothing("", said(latest.reason), latest.reason === "too dark" || latest.reason === "no camera");
  return {
    kind: "present",
    emoji: latest.emoji,
    appears: isExpression(latest.word) ? t("appears") : "",
    word: shownWord(latest.word),
    score: latest.score,
    confidence: latest.confidence,
    status: latest.reason === "unsure" ? t("too little to score") : doingText(latest, now),
    alert: false,
  };
}

/** How many students are present, away, and without data. */
export function count(students, session, now) {
  const counts = { present: 0, away: 0, none: 0 };
  for (const student of students.values()) {
    const { kind } = read(student, session, now);
    counts[kind === "off" ? "none" : kind]++;
  }
  return counts;
}

/** "looking away 40 s", for what has lasted and still does. */
function doingText(latest, now) {
  return latest.doing ? `${said(latest.doing.words)} ${age(now - latest.doing.since)}` : "";
}

const since = (at) => t("since {time}", { time: clock(at) });

function lostText(status, now) {
  const quiet = now - status.at;
  if (status.detail === NO_MACHINE) return said(NO_MACHINE);
  return quiet < 60 ? t("camera lost, trying again") : t("camera lost {age} ago", { age: age(quiet) });
}

/** The step of lightness a score has: three, and never alone (the numeral stands beside it). */
export const step = (score) => (score === null ? "none" : score < 4 ? "low" : score < 7 ? "mid" : "high");
