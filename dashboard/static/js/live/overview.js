// The class in one number, three counts and, when something is not fine, one line of words.

import { t, tn } from "../words.js";
import { clock, direction, names, number } from "./words.js";

export const LEAST_SHOWN = 5; // scores: with fewer, a class band on a wall would speak of single students

const NOW_S = 10;   // the number is the mean of this many seconds
const BACK_S = 120; // and its direction the change over these

const part = (id) => document.getElementById(id);

export class Overview {
  constructor() {
    this.shown = {};
    this.said = "";
    this.saidAt = 0;
  }

  /** Show the class; `hidden` is the projector's view. */
  render(memory, session, counts, now, hidden) {
    const least = hidden ? LEAST_SHOWN : 1;
    const second = Math.floor(now) - 1;
    const mean = memory.meanUpTo(second, NOW_S, least);
    const before = memory.meanUpTo(second - BACK_S, NOW_S, least);
    const scored = memory.seconds.get(memory.newest)?.scored ?? 0;
    const { arrow, words } = direction(mean === null || before === null ? null : mean - before);
    this.#set("mean", mean === null ? "–" : number(mean));
    this.#set("direction", words ? `${arrow} ${words}` : "");
    this.#set("coverage", [coverage(session, mean, scored, memory.students.size, hidden), slower(memory.rate, hidden)].filter(Boolean).join(" · "));
    this.#set("n-present", counts.present);
    this.#set("n-away", counts.away);
    this.#set("n-none", counts.none);
    this.#say(mean, words, counts, now);
  }

  /** What is wrong or under way, or nothing. The first that applies is the cause of those after it. */
  state(connection, session, memory, now, hidden) {
    const since = memory.trueAt ? clock(memory.trueAt) : null;
    if (connection.state === "refused") return connection.text;
    if (connection.state === "lost") {
      return since ? t("Connection lost. What you see was true at {time}. Trying again.", { time: since }) : t("No connection yet. Trying again.");
    }
    if (connection.state === "late") return lateText(connection.text, since);
    if (session.state === "ended") return t("This session has ended. Everything up to now is kept.");
    if (session.paused) return t("Paused: the cameras are not looked at. “Go on” resumes.");
    const able = [...memory.students.values()].filter(({ entry }) => entry.allowed && entry.camera && !entry.paused);
    const cameras = able.filter(({ entry }) => !entry.own_device); // of students' own devices each card tells
    if (now - session.started_at > 20 && cameras.length && now - memory.trueAt > 8) {
      return since
        ? t("No data has arrived since {time}. The program is trying to recover.", { time: since })
        : t("No data has arrived yet. The cameras or the program may need a look.");
    }
    const lost = cameras.filter(({ state }) => state === "lost");
    if (lost.length) return lostText(lost, hidden);
    const asked = session.calibration.filter((step) => step.until > now);
    return asked.length ? askedText(asked, memory, hidden) : "";
  }

  /** Tell screen readers about the class, politely: once a minute. */
  #say(mean, words, counts, now) {
    if (now - this.saidAt < 60 || mean === null) return;
    this.saidAt = now;
    const score = words ? t("Class mean {mean} of 10, {direction}.", { mean: number(mean), direction: words }) : t("Class mean {mean} of 10.", { mean: number(mean) });
    part("announcer").textContent = `${score} ${t("{present} present, {away} away, {none} without data.", counts)}`;
  }

  #set(id, value) {
    if (this.shown[id] === value) return;
    this.shown[id] = value;
    part(id).textContent = value;
  }
}

function coverage(session, mean, scored, total, hidden) {
  if (session.mode === "presence") return t("Presence only: no scores here");
  if (mean !== null) return t("from {scored} of {total} students", { scored, total });
  return hidden ? t("Shown where at least {n} students have a score", { n: LEAST_SHOWN }) : "";
}

/** How often each student is looked at, where that is less often than agreed because the machine is busy. */
function slower(rate, hidden) {
  if (hidden || !rate || rate.asked_fps > rate.agreed_fps - 0.05) return "";
  return t("{asked} looks a second each instead of {agreed}", { asked: number(rate.asked_fps), agreed: number(rate.agreed_fps) });
}

/** What is away behind the server, and what that means for this page. */
function lateText(what, since) {
  const true_ = since ? t("What you see was true at {time}.", { time: since }) : "";
  const text = what === "database"
    ? t("The database does not answer. What the cameras see is kept, and written when it is back.")
    : t("News does not get through to this page at the moment. Nothing is lost.");
  return `${text} ${true_}`.trim();
}

function lostText(lost, hidden) {
  const who = names(lost.map(({ entry }) => entry.name));
  if (hidden) return tn("{n} camera is lost. Trying again.", "{n} cameras are lost. Trying again.", lost.length);
  return tn("{n} camera is lost: {who}. Trying again.", "{n} cameras are lost: {who}. Trying again.", lost.length, { who });
}

function askedText(asked, memory, hidden) {
  const ids = asked.flatMap((step) => step.students);
  const until = clock(asked.at(-1).until);
  const name = ids.length === 1 && !hidden ? memory.students.get(ids[0])?.entry.name : null;
  if (name) return t("{name} is asked to look at the screen until {until}.", { name, until });
  return tn("{n} student is asked to look at the screen until {until}.", "{n} students are asked to look at the screen until {until}.", ids.length, { until });
}
