// The cards: one per student, in an order that changes only when the teacher asks.

import { read, step } from "./reading.js";
import { SPAN_S, Spark } from "./spark.js";
import { number } from "./words.js";

const HALF_BAND = 25; // percent of the bar at no confidence: ±2.5 points

class Card {
  constructor(student, template) {
    this.student = student;
    this.root = template.content.firstElementChild.cloneNode(true);
    this.root.dataset.student = student.entry.student;
    const part = (name) => this.root.querySelector(`.${name}`);
    this.parts = {
      name: part("name"), emoji: part("emoji"), appears: part("appears"), word: part("feeling"), numeral: part("numeral"),
      sure: part("sure"), bar: part("bar"), status: part("status"),
    };
    this.spark = new Spark(part("spark"));
    this.shown = {};
    this.state = null;
  }

  render(session, now, second, colours) {
    const { student, root, parts } = this;
    const state = read(student, session, now);
    this.state = state;
    this.#set("name", parts.name, student.entry.name);
    this.#set("emoji", parts.emoji, state.emoji);
    this.#set("appears", parts.appears, state.appears);
    this.#set("word", parts.word, state.word);
    this.#set("numeral", parts.numeral, state.score === null ? "" : number(state.score));
    this.#set("status", parts.status, state.status);
    this.#set("sure", parts.sure, state.score === null ? "" : `of 10, confidence ${Math.round(state.confidence * 100)} percent`);
    this.#mark("kind", state.kind);
    this.#mark("step", step(state.score));
    this.#mark("says", state.score === null ? "status" : "score");
    if (this.shown.alert !== state.alert) {
      this.shown.alert = state.alert;
      root.toggleAttribute("data-alert", state.alert);
    }
    this.#bar(state);
    this.spark.draw(student.line(second, SPAN_S), second, colours);
    student.dirty = false;
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
    const key = `${score}/${half}`;
    if (this.shown.bar === key) return;
    this.shown.bar = key;
    const style = this.parts.bar.style;
    style.setProperty("--score", score);
    style.setProperty("--from", Math.max(0, score - half));
    style.setProperty("--to", Math.min(100, score + half));
  }
}

const STATE_ORDER = { none: 0, off: 1, away: 2, present: 3 };
const MANY = 12;

export class Cards {
  constructor(list, template, { onOrderChanged }) {
    this.list = list;
    this.template = template;
    this.onOrderChanged = onOrderChanged;
    this.cards = new Map();
    this.order = "name";
    this.query = "";
    this.observer = new ResizeObserver((entries) => this.#resized(entries));
  }

  /** Show the students of the memory; cards that stay keep their place. */
  setStudents(students) {
    for (const [id, card] of this.cards) {
      if (students.has(id)) continue;
      this.observer.unobserve(card.spark.canvas);
      card.root.remove();
      this.cards.delete(id);
    }
    this.list.toggleAttribute("data-many", students.size > MANY);
    for (const [id, student] of students) {
      if (this.cards.has(id)) continue;
      const card = new Card(student, this.template);
      this.cards.set(id, card);
      this.list.append(card.root);
      this.observer.observe(card.spark.canvas);
    }
  }

  /** Draw cards whose data changed, and with `all` every one (the clock moved on, the theme changed). */
  render(session, now, second, colours, all) {
    this.colours = colours;
    this.second = second;
    for (const card of this.cards.values()) {
      if (all || card.student.dirty) card.render(session, now, second, colours);
    }
    this.onOrderChanged(!this.#isSorted());
  }

  counts() {
    const counts = { present: 0, away: 0, none: 0, off: 0 };
    for (const card of this.cards.values()) if (card.state) counts[card.state.kind]++;
    counts.none += counts.off;
    return counts;
  }

  sort(order) {
    this.order = order ?? this.order;
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
    const by = {
      name,
      seat: (a, b) => (a.student.entry.seat ?? "~").localeCompare(b.student.entry.seat ?? "~", undefined, { numeric: true }) || name(a, b),
      score: (a, b) => (a.state?.score ?? 11) - (b.state?.score ?? 11) || name(a, b),
      state: (a, b) => STATE_ORDER[a.state?.kind ?? "none"] - STATE_ORDER[b.state?.kind ?? "none"] || name(a, b),
    };
    return [...this.cards.values()].sort(by[this.order]);
  }

  /** Out of order means visibly so: two neighbours the wrong way round by a whole point, or by their state. */
  #isSorted() {
    if (this.order === "name" || this.order === "seat") return true;
    const places = [...this.list.children].map((root) => this.cards.get(Number(root.dataset.student)));
    return places.every((card, i) => {
      const next = places[i + 1];
      if (!next || !card.state || !next.state) return true;
      if (this.order === "score") return (card.state.score ?? 11) - (next.state.score ?? 11) < 1;
      return STATE_ORDER[card.state.kind] <= STATE_ORDER[next.state.kind];
    });
  }

  #resized(entries) {
    for (const entry of entries) {
      const card = this.cards.get(Number(entry.target.closest(".card")?.dataset.student));
      const { width, height } = entry.contentRect;
      if (card?.spark.resize(width, height) && this.colours) {
        card.spark.draw(card.student.line(this.second, SPAN_S), this.second, this.colours);
      }
    }
  }
}
