// The class in one number, three counts and, when something is not fine, one line of words.

import { clock, direction, number, plural } from "./words.js";

const NOW_S = 10;   // the number is the mean of this many seconds
const BACK_S = 120; // and its direction the change over these

const part = (id) => document.getElementById(id);

export class Overview {
  constructor() {
    this.shown = {};
    this.said = "";
    this.saidAt = 0;
  }

  render(memory, session, counts, now) {
    const second = Math.floor(now) - 1;
    const mean = memory.meanUpTo(second, NOW_S);
    const before = memory.meanUpTo(second - BACK_S, NOW_S);
    const scored = memory.seconds.get(memory.newest)?.scored ?? 0;
    const { arrow, words } = direction(mean === null || before === null ? null : mean - before);
    const total = memory.students.size;
    this.#set("mean", mean === null ? "–" : number(mean));
    this.#set("direction", words ? `${arrow} ${words}` : "");
    this.#set("coverage", session.mode === "presence" ? "Presence only: no scores here" : mean === null ? "" : `from ${scored} of ${total} students`);
    this.#set("n-present", counts.present);
    this.#set("n-away", counts.away);
    this.#set("n-none", counts.none);
    this.#say(mean, words, counts, now);
  }

  /** What is wrong, or nothing. The first that applies is the cause of those after it. */
  state(connection, session, memory, counts, now) {
    const since = memory.trueAt ? clock(memory.trueAt) : null;
    if (connection.state === "refused") return connection.text;
    if (connection.state === "lost") {
      return since ? `Connection lost. What you see was true at ${since}. Trying again.` : "No connection yet. Trying again.";
    }
    if (session.state === "ended") return "This session has ended. Everything up to now is kept.";
    if (session.paused) return "Paused: the cameras are not looked at. “Go on” resumes.";
    const able = [...memory.students.values()].filter(({ entry }) => entry.allowed && entry.camera && !entry.paused);
    if (now - session.started_at > 20 && able.length && now - memory.trueAt > 8) {
      return since ? `No data has arrived since ${since}. The program is trying to recover.` : "No data has arrived yet. The cameras or the program may need a look.";
    }
    const lost = able.filter(({ state }) => state === "lost");
    if (lost.length) {
      const names = lost.slice(0, 3).map(({ entry }) => entry.name).join(", ");
      return `${plural(lost.length, "camera is", "cameras are")} lost: ${names}${lost.length > 3 ? " and more" : ""}. Trying again.`;
    }
    return "";
  }

  /** Tell screen readers about the class, politely: once a minute. */
  #say(mean, words, counts, now) {
    if (now - this.saidAt < 60 || mean === null) return;
    this.saidAt = now;
    part("announcer").textContent =
      `Class mean ${number(mean)} of 10${words ? `, ${words}` : ""}. ${counts.present} present, ${counts.away} away, ${counts.none} without data.`;
  }

  #set(id, value) {
    if (this.shown[id] === value) return;
    this.shown[id] = value;
    part(id).textContent = value;
  }
}
