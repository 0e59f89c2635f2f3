// Puts the page together: the shared window or the classroom camera, its boxes, and the names on them.
import { get, post } from "../live/api.js";
import { t, tn } from "../words.js";
import { Line } from "./line.js";
import { People } from "./people.js";
import { Questions } from "./questions.js";
import { Screen } from "./screen.js";
import { Proposal } from "./seating.js";
import { Stage } from "./stage.js";

const TICK_MS = 100;
const PEOPLE_EVERY_MS = 10_000; // consents and pauses change meanwhile
const TAKEN_WITHIN_MS = 4000;

const part = (id) => document.getElementById(id);
const root = document.querySelector("main.meeting");

class MeetingPage {
  constructor() {
    this.path = `/sessions/${root.dataset.session}/shared`;
    this.source = Number(root.dataset.source) || null;
    this.view = null;
    this.stage = new Stage(part("stage"), part("boxes"), (face) => this.onFace(face));
    this.people = new People(part("people"), this.stage, {
      onArm: (student) => this.say(student === null ? "" : t("Now choose the face of {name}.", { name: this.people.nameOf(student) })),
      onDrop: (student, face) => this.name(student, face),
      onRemove: (student) => this.name(student, null),
    });
    this.questions = new Questions(part("questions"), {
      nameOf: (student) => this.people.nameOf(student),
      onYes: (student, face) => this.name(student, face),
      onNo: (student) => this.name(student, null),
      onChoose: (student) => { if (this.people.armed !== student) this.people.arm(student); },
      onLook: (face) => this.stage.focus(face),
      say: (text) => this.say(text),
    });
    this.line = new Line(Number(root.dataset.session), {
      picture: () => this.screen?.picture() ?? null,
      onView: (view) => this.onView(view),
      onLink: (up) => this.onLink(up),
      onRefused: (text) => { this.end(); this.trouble(text); },
    });
    this.ticker = new Worker(root.dataset.worker);
    this.ticker.onmessage = () => this.line.tick();
  }

  async start() {
    if (root.dataset.kind === "window") this.#takeWindow();
    else new Proposal(this, part("seating"), part("proposal"));
    part("choose").addEventListener("close", () => this.#chosen());
    await this.refresh();
    setInterval(() => this.refresh(), PEOPLE_EVERY_MS);
  }

  #takeWindow() {
    this.screen = new Screen(part("video"), () => this.end());
    part("told").addEventListener("change", () => { part("share").disabled = !part("told").checked; });
    part("share").disabled = !part("told").checked;
    part("share").addEventListener("click", () => this.begin());
    part("stop").addEventListener("click", () => this.end());
    addEventListener("pagehide", () => this.screen.stop());
  }

  async begin() {
    this.trouble("");
    try {
      await this.screen.start();
      this.source = (await post(this.path)).source;
    } catch (error) {
      this.screen.stop();
      return this.trouble(error.message);
    }
    if (!this.screen.track) return; // stopped meanwhile by the browser's own button
    this.#enter("on");
    part("stop").focus();
    part("state").textContent = t("The window is being looked at.");
    this.ticker.postMessage(TICK_MS);
  }

  /** Let the window go, and all names with it. */
  async end() {
    this.screen?.stop();
    if (root.dataset.state === "off") return;
    this.#enter("off");
    this.view = null;
    this.stage.clear();
    this.questions.draw([]);
    this.people.draw([]);
    part("state").textContent = t("Nothing is shared now.");
    this.say(t("Nothing is shared now."));
    try {
      await post(`${this.path}/${this.source}/names`, { student: null, face: null });
    } catch (error) {
      if (error.status !== 400) this.trouble(error.message);
    }
  }

  #enter(state) {
    root.dataset.state = state;
    part("share").hidden = part("told-line").hidden = state === "on";
    part("stop").hidden = part("both").hidden = state !== "on";
  }

  async refresh() {
    try {
      const { people } = await get(this.path);
      this.people.set(people);
      if (this.view) this.people.draw(this.view.names);
    } catch (error) {
      this.trouble(error.message);
    }
  }

  onView(view) {
    if (view.source !== this.source || (root.dataset.kind === "window" && root.dataset.state === "off")) return;
    this.view = view;
    this.stage.draw(view, (student) => this.people.nameOf(student));
    this.people.draw(view.names);
    this.questions.draw(view.names);
    const text = tn("{n} face found.", "{n} faces found.", view.faces.length);
    if (part("state").textContent !== text) part("state").textContent = text;
    if (this.waiting && view.names.some((name) => name.student === this.waiting.student && name.hold === "sure")) this.waiting = null;
    if (this.waiting && performance.now() > this.waiting.until) {
      this.trouble(t("{name} could not be put on that face, which has changed meanwhile. Try again.", { name: this.people.nameOf(this.waiting.student) }));
      this.waiting = null;
    }
  }

  onLink(up) {
    if (up) { if (this.lost) this.trouble(""); this.lost = false; return; }
    this.lost = true;
    this.trouble(t("The server cannot be reached. Nothing is read until it is back."));
  }

  /** A face was chosen: it takes the name that was chosen before, or the page asks whose it is. */
  onFace(face) {
    if (this.people.armed !== null) {
      const student = this.people.armed;
      this.people.arm(student);
      return this.name(student, face);
    }
    this.asking = face;
    const named = this.view?.names.find((name) => name.face === face);
    const choices = [...this.people.people.values()].filter((person) => person.nameable).map((person) => this.#choice(person.name, person.student));
    if (named) choices.unshift(this.#choice(t("Nobody: take {name} off", { name: this.people.nameOf(named.student) }), -named.student));
    if (!choices.length) choices.push(Object.assign(document.createElement("p"), { textContent: t("No student of this session can be named; beside each name it says why.") }));
    part("choices").replaceChildren(...choices);
    part("choose").returnValue = "";
    part("choose").showModal();
  }

  #choice(text, value) {
    return Object.assign(document.createElement("button"), { textContent: text, value: String(value) });
  }

  #chosen() {
    const value = Number(part("choose").returnValue);
    if (value > 0) this.name(value, this.asking);
    if (value < 0) this.name(-value, null);
    this.stage.focus(this.asking);
  }

  /** Tell the worker who a face is, or with null that it is nobody. */
  async name(student, face) {
    this.trouble("");
    const person = this.people.nameOf(student);
    try {
      await post(`${this.path}/${this.source}/names`, { student, face });
      this.waiting = face === null ? null : { student, until: performance.now() + TAKEN_WITHIN_MS };
      this.say(face === null ? t("{name} was taken off.", { name: person }) : t("{name} was put on a face.", { name: person }));
    } catch (error) {
      this.trouble(error.message);
    }
  }

  trouble(text) {
    part("trouble").textContent = text;
    part("trouble").hidden = !text;
  }

  say(text) {
    part("announcer").textContent = text;
  }
}

new MeetingPage().start();
