// The live page: starts the parts and keeps their time.

import { get, post } from "./api.js";
import { Band, LONGEST_S, stretch } from "./band.js";
import { Cards } from "./cards.js";
import { Connection, OVERLAP_S } from "./connection.js";
import { open, setUpDialogs } from "./dialogs.js";
import { setUpKeys } from "./keys.js";
import { Memory } from "./memory.js";
import { Overview } from "./overview.js";
import { SPAN_S, canvasColours } from "./spark.js";
import { number, plural } from "./words.js";

const DRAW_EVERY_MS = 250; // updates that arrive closer together are drawn at once

const part = (id) => document.getElementById(id);
const root = document.querySelector("main.live");

class LivePage {
  constructor(id) {
    this.path = `/sessions/${id}`;
    this.id = id;
    this.memory = new Memory();
    this.overview = new Overview();
    this.band = new Band(part("band"), part("readout"));
    this.cards = new Cards(part("cards"), part("card"), {
      onOrderChanged: (changed) => { if (part("resort").hidden === changed) part("resort").hidden = !changed; },
    });
    this.session = null;
    this.skew = 0; // server's clock minus this one, seconds
    this.colours = canvasColours();
    this.connection = { state: "opening", text: "" };
    this.filled = false;
  }

  now() {
    return Date.now() / 1000 + this.skew;
  }

  async start() {
    await this.refresh();
    this.link = new Connection(this.id, {
      onUpdate: (update) => this.onUpdate(update),
      onChanged: () => this.refresh().catch((error) => this.fail(error)),
      onState: (state, text) => this.onState(state, text),
      catchUp: () => this.catchUp(),
    });
    setInterval(() => this.draw(true), 1000);
    addEventListener("themechange", () => this.recolour());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.draw(true); });
    this.setUpTools();
  }

  /** Ask what is running, who is in it, what is paused and marked. */
  async refresh() {
    const { roster, markers, ...session } = await get(this.path);
    this.skew = session.now - Date.now() / 1000;
    this.session = session;
    this.markers = markers;
    this.memory.setRoster(roster);
    this.cards.setStudents(this.memory.students);
    if (!this.filled) this.cards.sort();
    this.showPause();
    if (session.state === "ended") { location.reload(); return; }
    this.draw(true);
  }

  /** Fill the hole since the last known second: all of it with the overlap, or what the page shows at all. */
  async catchUp() {
    const { memory, session } = this;
    const start = Math.floor(session.started_at);
    const shown = Math.floor(this.now()) - SPAN_S;
    const since = Math.max(start, shown, memory.newest - OVERLAP_S);
    const past = Math.max(start, Math.floor(this.now()) - LONGEST_S);
    const [answer, timeline] = await Promise.all([
      get(`${this.path}/samples?since=${since}`),
      get(`${this.path}/timeline?since=${past}`),
      this.filled ? this.refresh() : null,
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

  onState(state, text = "") {
    this.connection = { state, text };
    root.dataset.connection = state === "live" ? "live" : "lost";
    this.draw(true);
  }

  /** Draw what changed; once a second (`all`) also what only time changes: ages, the chart, the number. */
  draw(all) {
    if (document.hidden || !this.session) return;
    const { memory, session } = this;
    const now = this.connection.state === "lost" && memory.trueAt ? memory.trueAt : this.now();
    this.cards.render(session, now, Math.floor(now), this.colours, all);
    if (!all) return;
    const counts = this.cards.counts();
    this.overview.render(memory, session, counts, now);
    const range = stretch(session.started_at, Math.floor(now));
    this.band.show(memory.columns(...range), range, memory.seconds, memory.students.size, this.markers);
    this.describeBand();
    this.tell(this.overview.state(this.connection, session, memory, counts, this.now()));
  }

  tell(text) {
    if (part("state").textContent !== text) part("state").textContent = text;
    part("state").hidden = !text;
  }

  describeBand() {
    const means = [...this.memory.seconds.values()].map((row) => row.mean).filter((mean) => mean !== null);
    if (!means.length) return;
    const low = means.reduce((a, b) => Math.min(a, b));
    const high = means.reduce((a, b) => Math.max(a, b));
    const text = `Class mean over the last ${plural(Math.ceil(means.length / 60), "minute", "minutes")}: between ${number(low)} and ${number(high)}`;
    const label = part("band");
    if (label.getAttribute("aria-label") !== text) label.setAttribute("aria-label", text);
  }

  recolour() {
    this.colours = canvasColours();
    this.band.recolour();
    this.draw(true);
  }

  setUpTools() {
    const find = part("find"), sort = part("sort");
    const search = () => { part("nobody").hidden = this.cards.find(find.value) > 0; };
    find.addEventListener("input", search);
    sort.addEventListener("change", () => this.cards.sort(sort.value));
    part("resort").addEventListener("click", () => this.cards.sort());
    part("pause").addEventListener("click", () => this.pause());
    part("marker-form").addEventListener("submit", () => this.mark());
    setUpKeys({
      m: () => open("marker"),
      p: () => this.pause(),
      s: () => {
        sort.selectedIndex = (sort.selectedIndex + 1) % sort.options.length;
        this.cards.sort(sort.value);
        part("announcer").textContent = `Sorted ${sort.selectedOptions[0].text}`;
      },
      "/": () => find.focus(),
      Escape: () => { if (find.value) { find.value = ""; search(); } document.activeElement?.blur(); },
    }, part("keys-on"));
  }

  async pause() {
    await this.ask(`${this.path}/pause`, { paused: !this.session.paused });
  }

  async mark() {
    const field = part("marker-text");
    const text = field.value;
    field.value = "";
    await this.ask(`${this.path}/markers`, { text });
  }

  async ask(path, body) {
    try {
      await post(path, body);
      await this.refresh();
    } catch (error) { this.fail(error); }
  }

  showPause() {
    const button = part("pause");
    button.setAttribute("aria-pressed", String(this.session.paused));
    part("pause-word").textContent = this.session.paused ? "Go on" : "Pause";
  }

  fail(error) {
    this.tell(error.message);
  }
}

/** A session that has ended: its whole timeline and its mean. */
async function showEnded(id) {
  const [session, { seconds }] = await Promise.all([get(`/sessions/${id}`), get(`/sessions/${id}/timeline?since=0`)]);
  const rows = new Map(seconds.map((row) => [row.second, row]));
  const from = Math.floor(session.started_at), to = Math.max(from + 60, Math.ceil(session.ended_at));
  const columns = [[], [], [], []];
  for (let s = from; s <= to; s++) {
    const row = rows.get(s);
    columns[0].push(s);
    ["low", "high", "mean"].forEach((name, i) => columns[i + 1].push(row?.[name] ?? null));
  }
  const scored = seconds.filter((row) => row.mean !== null);
  const band = new Band(part("band"), part("readout"));
  const students = session.roster.length;
  band.show(columns, [from, to], rows, students, session.markers);
  addEventListener("themechange", () => band.recolour());
  if (!scored.length) { part("coverage").textContent = "No scores were computed in this session."; return; }
  const mean = scored.reduce((sum, row) => sum + row.mean, 0) / scored.length;
  const coverage = scored.reduce((sum, row) => sum + row.scored, 0) / (scored.length * Math.max(students, 1));
  part("mean").textContent = number(mean);
  part("coverage").textContent = `${Math.round(coverage * 100)} % of the students scored, on average`;
  part("band").setAttribute("aria-label", `Class mean over the session: ${number(mean)} of 10 on average`);
}

setUpDialogs();
const id = Number(root.dataset.session);
const begun = root.dataset.running === "yes" ? (window.engageLive = new LivePage(id)).start() : showEnded(id);
begun.catch((error) => {
  part("state").textContent = error.message ?? "This page could not start. Reload it.";
  part("state").hidden = false;
});
