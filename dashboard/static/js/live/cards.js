// The cards: one per student, in an order that changes only when the teacher asks, or at their places in the room.

import { t } from "../words.js";
import { read, step } from "./reading.js";
import { Room } from "./room.js";
import { SPAN_S, Spark } from "./spark.js";
import { number } from "./words.js";

const HALF_BAND = 25; // percent of the bar at no confidence: ±2.5 points

class Card {
  constructor(student, template, turn) {
    this.student = student;
    this.turn = turn; // lines are drawn every other second, half of the class at a time
    this.root = template.content.firstElementChild.cloneNode(true);
    this.root.dataset.student = student.entry.student;
    const part = (name) => this.root.querySelector(`.${name}`);
    this.parts = {
      name: part("name"), emoji: part("emoji"), appears: part("appears"), word: part("feeling"), numeral: part("numeral"),
      open: part("card-open"), sure: part("sure"), bar: part("bar"), status: part("status"),
    };
    this.spark = new Spark(part("spark"));
    this.shown = {};
    this.state = null;
  }

  render(session, now) {
    const { student, root, parts } = this;
    const state = read(student, session, now);
    this.state = state;
    student.dirty = false;
    this.#set("name", parts.name, student.entry.name);
    if (this.shown.open !== student.entry.name) {
      this.shown.open = student.entry.name;
      parts.open.setAttribute("aria-label", t("{name}: timeline and what makes the score", { name: student.entry.name }));
    }
    this.#set("emoji", parts.emoji, state.emoji);
    this.#set("appears", parts.appears, state.appears && `${state.appears} `);
    this.#set("word", parts.word, state.word);
    this.#set("numeral", parts.numeral, state.score === null ? "" : number(state.score));
    this.#set("status", parts.status, state.status);
    this.#bar(state);
    this.#mark("kind", state.kind);
    this.#mark("step", step(state.score));
    this.#mark("says", state.score === null ? "status" : "score");
    if (this.shown.alert !== state.alert) {
      this.shown.alert = state.alert;
      root.toggleAttribute("data-alert", state.alert);
    }
  }

  draw(second, colours) {
    this.spark.draw(this.student.line(second, SPAN_S), second, colours);
  }

  #set(key, node, text) {
    if (this.shown[key] === text) return;
    this.shown[key] = text;
    node.textContent = text;
  }

  #mark(key, value) {
    if (this.shown[key] === value) return;
    this.shown[key] = value;
    this.root.dataset[key] = value;
  }

  #bar(state) {
    const score = state.score === null ? 0 : Math.round(state.score * 10);
    const half = state.score === null ? 0 : Math.round((1 - state.confidence) * HALF_BAND);
    const key = state.score === null ? -1 : score * 100 + half;
    if (this.shown.bar === key) return;
    this.shown.bar = key;
    this.parts.sure.textContent = key < 0 ? "" : t("of 10, confidence {percent} percent", { percent: Math.round(state.confidence * 100) });
    const style = this.parts.bar.style;
    style.setProperty("--score", score);
    style.setProperty("--from", Math.max(0, score - half));
    style.setProperty("--to", Math.min(100, score + half));
  }
}

const STATE_ORDER = { none: 0, off: 1, away: 2, present: 3 };
const MANY = 12;

export class Cards {
  /** `alerted(student)` says whether an alert stands for a student; `onOrderChanged(changed)` whether to offer sorting. */
  constructor(list, template, { alerted, onOrderChanged }) {
    Object.assign(this, { list, template, alerted, onOrderChanged });
    this.room = new Room(list);
    this.cards = new Map();
    this.order = "name";
    this.seated = false; // at their places in the room
    this.query = "";
    this.observer = new ResizeObserver((entries) => this.#resized(entries));
  }

  /** Show the students of the memory; cards that stay keep their place. */
  setStudents(students, seats) {
    this.seats = seats;
    for (const [id, card] of this.cards) {
      if (students.has(id)) continue;
      this.observer.unobserve(card.spark.canvas);
      card.root.remove();
      this.cards.delete(id);
    }
    this.list.toggleAttribute("data-many", students.size > MANY);
    for (const [id, student] of students) {
      if (this.cards.has(id)) continue;
      const card = new Card(student, this.template, this.cards.size % 2);
      this.cards.set(id, card);
      this.list.append(card.root);
      this.observer.observe(card.spark.canvas);
    }
    if (this.seated) this.room.arrange(this.cards.values(), seats);
  }

  /** Take all cards off the page, until `setStudents` brings them back. */
  clear() {
    this.observer.disconnect();
    this.cards.clear();
    this.list.replaceChildren();
  }

  /** Draw cards whose data changed, and with `all` every one (the clock moved on), lines too. */
  render(session, now, second, colours, all) {
    this.colours = colours;
    this.second = second;
    for (const card of this.cards.values()) {
      if (all || card.student.dirty) card.render(session, now);
      if (all && card.turn === second % 2) card.draw(second, colours);
    }
    if (all) this.onOrderChanged(!this.#isSorted());
  }

  /** Draw the lines anew: the theme has changed. */
  recolour(colours) {
    this.colours = colours;
    if (this.second) for (const card of this.cards.values()) card.draw(this.second, colours);
  }

  /** Show the students at their places in the room, or as cards in order. */
  seat(yes) {
    this.seated = yes;
    if (yes) this.room.arrange(this.cards.values(), this.seats);
    else { this.room.leave(this.cards.values()); this.sort(); }
  }

  sort(order) {
    this.order = order ?? this.order;
    if (this.seated) return;
    const focused = document.activeElement;
    this.list.append(...this.#sorted().map((card) => card.root));
    if (this.list.contains(focused)) focused.focus();
    this.onOrderChanged(false);
  }

  /** Show only the students whose name has the text in it; return how many. */
  find(text) {
    this.query = text.trim().toLocaleLowerCase();
    let n = 0;
    for (const card of this.cards.values()) {
      const hit = card.student.entry.name.toLocaleLowerCase().includes(this.query);
      card.root.hidden = !hit;
      n += hit;
    }
    return n;
  }

  #sorted() {
    const name = (a, b) => a.student.entry.name.localeCompare(b.student.entry.name, undefined, { numeric: true });
    const seat = (card) => card.student.entry.seat ?? "~";
    const by = {
      name,
      seat: (a, b) => seat(a).localeCompare(seat(b), undefined, { numeric: true }) || name(a, b),
      score: (a, b) => (a.state?.score ?? 11) - (b.state?.score ?? 11) || name(a, b),
      alert: (a, b) => this.#rank(a) - this.#rank(b) || name(a, b),
      state: (a, b) => this.#rank(a) - this.#rank(b) || name(a, b),
    };
    return [...this.cards.values()].sort(by[this.order]);
  }

  /** What the order is by, as a number; one place apart in score is a whole point. */
  #rank(card) {
    if (this.order === "alert") return this.alerted(card.student.entry.student) ? 0 : 1;
    if (this.order === "state") return STATE_ORDER[card.state?.kind ?? "none"];
    return card.state?.score ?? 11;
  }

  /** Out of order means visibly so: two neighbours the wrong way round by a whole point, or by their state. */
  #isSorted() {
    if (this.seated || this.order === "name" || this.order === "seat") return true;
    let before = -Infinity;
    for (const root of this.list.children) {
      const rank = this.#rank(this.cards.get(Number(root.dataset.student)));
      if (before - rank >= 1) return false;
      before = rank;
    }
    return true;
  }

  #resized(entries) {
    for (const entry of entries) {
      const card = this.cards.get(Number(entry.target.closest(".card")?.dataset.student));
      const { width, height } = entry.contentRect;
      if (card?.spark.resize(width, height) && this.colours) card.draw(this.second, this.colours);
    }
  }
}
