// The page while a session runs: starts the parts and keeps their time.

import { Alerts } from "./alerts.js";
import { get } from "./api.js";
import { Band, LONGEST_S, stretch } from "./band.js";
import { Cards } from "./cards.js";
import { Connection, OVERLAP_S } from "./connection.js";
import { Memory } from "./memory.js";
import { LEAST_SHOWN, Overview } from "./overview.js";
import { count } from "./reading.js";
import { SPAN_S, canvasColours } from "./spark.js";
import { StudentDialog } from "./student.js";
import { Tools } from "./tools.js";
import { Why } from "./why.js";

const DRAW_EVERY_MS = 250; // updates that arrive closer together are drawn at once

const part = (id) => document.getElementById(id);
const root = document.querySelector("main.live");

export class LivePage {
  constructor(id) {
    this.path = `/sessions/${id}`;
    this.id = id;
    this.memory = new Memory();
    this.overview = new Overview();
    this.band = new Band(part("band"), part("readout"));
    this.cards = new Cards(part("cards"), part("card"), {
      alerted: (student) => this.alerts.alerted.has(student),
      onOrderChanged: (changed) => { if (part("resort").hidden === changed) part("resort").hidden = !changed; },
    });
    this.alerts = new Alerts(this.path, {
      nameOf: (student) => this.memory.students.get(student)?.entry.name ?? null,
      now: () => this.now(),
      fail: (error) => this.fail(error),
    });
    this.student = new StudentDialog(this.path, {
      find: (student) => this.cards.cards.get(student) ?? null,
      session: () => this.session,
      markers: () => this.markers,
      now: () => this.now(),
      may: () => this.session.may_correct,
      refresh: () => this.refresh(),
    });
    this.why = new Why(part("cards"), this.path, {
      find: (student) => this.cards.cards.get(student) ?? null,
      open: (student, card) => this.student.open(student, card),
    });
    this.session = null;
    this.skew = 0; // server's clock minus this one, seconds
    this.colours = canvasColours();
    this.connection = { state: "opening", text: "" };
    this.filled = false;
    this.hidden = false; // the projector's view: nothing about single students is on the page
    this.tools = new Tools(this);
  }

  now() {
    return Date.now() / 1000 + this.skew;
  }

  async start() {
    await this.refresh();
    this.link = new Connection(this.id, {
      onUpdate: (update) => this.onUpdate(update),
      onChanged: () => this.refresh().then(() => this.student.changed()).catch((error) => this.fail(error)),
      onState: (state, text) => this.onState(state, text),
      catchUp: (since) => this.catchUp(since),
    });
    setInterval(() => { this.draw(true); this.askAtTheEnd(); }, 1000);
    addEventListener("themechange", () => this.recolour());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.draw(true); });
    part("stop")?.addEventListener("submit", () => { this.leaving = true; });
    this.tools.start();
  }

  /** Ask what is running, who is in it, what is paused and marked. */
  async refresh() {
    const { roster, markers, ...session } = await get(this.path);
    this.skew = session.now - Date.now() / 1000;
    this.session = session;
    this.markers = markers;
    this.memory.setRoster(roster);
    this.#placeCards();
    this.tools.render(session);
    if (session.state === "ended") {
      if (!this.leaving) location.reload(); // a reload would swallow what the page that stops it has to say
      return;
    }
    await this.alerts.load();
    this.draw(true);
  }

  /** Fill the hole since the last known second, or an earlier one: all of it with the overlap, or what the page shows. */
  async catchUp(from = Infinity) {
    const { memory, session } = this;
    const start = Math.floor(session.started_at);
    const shown = Math.floor(this.now()) - SPAN_S;
    const since = Math.max(start, shown, Math.floor(Math.min(memory.newest, from)) - OVERLAP_S);
    const past = Math.max(start, Math.floor(this.now()) - LONGEST_S);
    const [answer, timeline] = await Promise.all([
      get(`${this.path}/samples?since=${since}`),
      get(`${this.path}/timeline?since=${past}`),
      this.refresh(), // what changed between the first look and now was told to nobody here
    ]);
    this.skew = answer.now - Date.now() / 1000;
    memory.addStatuses(answer.statuses);
    memory.addSamples(answer.samples);
    memory.addTimeline(timeline.seconds);
    this.filled = true;
    this.draw(true);
  }

  onUpdate(update) {
    this.memory.addStatuses(update.statuses);
    this.memory.addSamples(update.samples);
    this.memory.rate = update.rate ?? this.memory.rate;
    this.alerts.add(update.alerts);
    if (this.memory.strangers) this.askAgain();
    if (document.hidden || this.timer) return;
    this.timer = setTimeout(() => { this.timer = null; this.draw(false); }, DRAW_EVERY_MS);
  }

  /** Someone joined the class while it runs: ask for the roster, at most every five seconds. */
  askAgain() {
    if (this.now() - (this.askedAt ?? 0) < 5) return;
    this.askedAt = this.now();
    this.refresh().catch((error) => this.fail(error));
  }

  /** The schedule ends a session in another process, which can tell no page: ask once its time has come. */
  askAtTheEnd() {
    if (this.session?.ends_at && this.now() > this.session.ends_at) this.askAgain();
  }

  onState(state, text = "") {
    this.connection = { state, text };
    root.dataset.connection = state === "live" ? "live" : "lost";
    this.draw(true);
  }

  /** Hide all that is about single students, and leave the class: for a wall that everyone looks at. */
  hide(yes) {
    this.hidden = yes;
    root.toggleAttribute("data-projector", yes);
    if (yes) {
      this.why.close();
      this.student.close();
      this.cards.clear();
    }
    this.alerts.hide(yes);
    this.band.recolour();
    if (!this.session) return;
    this.#placeCards();
    this.draw(true);
  }

  #placeCards() {
    if (this.hidden) return;
    const before = this.cards.cards.size;
    this.cards.setStudents(this.memory.students, this.session.seats);
    if (!before) this.cards.sort();
  }

  /** Draw what changed; once a second (`all`) also what only time changes: ages, the chart, the number. */
  draw(all) {
    if (document.hidden || !this.session) return;
    const { memory, session } = this;
    const now = ["lost", "late"].includes(this.connection.state) && memory.trueAt ? memory.trueAt : this.now();
    this.cards.render(session, now, Math.floor(now), this.colours, all);
    if (!all) return;
    memory.workOut();
    this.alerts.render();
    this.why.render();
    this.student.render();
    this.overview.render(memory, session, count(memory.students, session, now), now, this.hidden);
    const range = stretch(session.started_at, Math.floor(now));
    const least = this.hidden ? LEAST_SHOWN : 1;
    this.band.show(memory.seconds, range, { students: memory.students.size, markers: this.markers, least });
    this.band.describe(now);
    this.tell(this.overview.state(this.connection, session, memory, this.now(), this.hidden));
  }

  tell(text) {
    if (part("state").textContent !== text) part("state").textContent = text;
    part("state").hidden = !text;
  }

  recolour() {
    this.colours = canvasColours();
    this.band.recolour();
    this.cards.recolour(this.colours);
    this.student.recolour();
    this.draw(true);
  }

  fail(error) {
    this.tell(error.message);
  }
}
