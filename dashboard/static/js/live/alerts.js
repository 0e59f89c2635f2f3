// The alerts panel: what fires now, what was seen or snoozed, what is over; and a small badge on the cards concerned.

import { said as spoken, t, tn } from "../words.js";
import { get, post } from "./api.js";
import { age, minute } from "./words.js";

const SNOOZE_MIN = 10;
const MOST_PAST = 50;
const SAY_EVERY_S = 10; // what comes closer together is announced at once
const SWITCH = "engage-alerts";

const part = (id) => document.getElementById(id);
const inWords = (alert) => ({ ...alert, headline: spoken(alert.headline), why: spoken(alert.why) });

export class Alerts {
  /** `nameOf(student)` gives a name, or null for someone unknown; `now()` the server's time; `fail(error)` says what went wrong. */
  constructor(path, { nameOf, now, fail }) {
    Object.assign(this, { path, nameOf, now, fail });
    this.known = new Map(); // id → alert
    this.items = new Map(); // id → list item
    this.alerted = new Set(); // the students of whom an alert stands
    this.unsaid = [];
    this.saidAt = 0;
    this.hidden = false;
    this.loaded = false;
    this.panel = part("alerts");
    this.toggle = part("alerts-toggle");
    this.toggle.addEventListener("click", () => this.open(this.panel.dataset.open !== "yes", true));
    this.open(this.#remembered() ?? innerWidth >= 1120);
  }

  /** Ask for all of the session's alerts: at the start, after a hole, and when someone acknowledged or snoozed one. */
  async load() {
    const { alerts } = await get(`${this.path}/alerts`);
    for (const alert of alerts) this.known.set(alert.id, inWords(alert));
    this.render();
    this.loaded = true;
  }

  /** Take the alerts of an update, and announce politely what is new. */
  add(alerts = []) {
    if (!alerts.length) return;
    const told = alerts.map(inWords);
    const fresh = told.filter((alert) => !this.known.has(alert.id) && this.#isNow(alert));
    for (const alert of told) this.known.set(alert.id, { ...this.known.get(alert.id), ...alert });
    this.render();
    if (this.loaded) this.unsaid.push(...fresh);
    this.#say();
  }

  /** Take everything off the page, or bring it back: names stand in alerts. */
  hide(yes) {
    this.hidden = yes;
    this.panel.hidden = yes;
    this.unsaid = [];
    part("alerts-said").textContent = "";
    this.render();
  }

  /** Announce what is new, at most every ten seconds. */
  #say() {
    const now = this.now();
    if (!this.unsaid.length || now - this.saidAt < SAY_EVERY_S || this.hidden) return;
    this.saidAt = now;
    const said = this.unsaid.map((alert) => t("Alert: {who}. {what}: {why}.", { who: this.#who(alert), what: alert.headline, why: alert.why }));
    this.unsaid = [];
    part("alerts-said").textContent = said.join(" ");
  }

  /** Open or close the panel; with `keep` the choice is remembered. */
  open(yes, keep = false) {
    this.panel.dataset.open = yes ? "yes" : "no";
    this.toggle.setAttribute("aria-expanded", String(yes));
    part("alerts-body").hidden = !yes;
    if (!keep) return;
    try { localStorage.setItem(SWITCH, yes ? "open" : "closed"); } catch { /* storage may be closed */ }
  }

  /** The key A: open the panel and go to the newest alert, or close it. */
  visit() {
    const inside = this.panel.contains(document.activeElement);
    this.open(!inside, true);
    (inside ? this.toggle : part("alerts-list").querySelector("button") ?? this.toggle).focus();
  }

  /** Draw what changed; also called every second, for ages and ends of snoozes. */
  render() {
    const all = this.hidden ? [] : [...this.known.values()];
    const newest = all.sort((a, b) => b.started_at - a.started_at || b.id - a.id);
    const current = newest.filter((alert) => this.#isNow(alert));
    const seen = newest.filter((alert) => alert.state === "firing" && !this.#isNow(alert));
    const past = newest.filter((alert) => alert.state !== "firing").slice(0, MOST_PAST);
    this.#fill(part("alerts-list"), current);
    this.#fill(part("alerts-past-list"), [...seen, ...past]);
    for (const [id, item] of this.items) if (!item.root.isConnected) this.items.delete(id);
    this.#write(part("alerts-count"), current.length ? String(current.length) : "");
    this.#write(part("alerts-count-words"), current.length ? tn("{n} new alert", "{n} new alerts", current.length) : t("none new"));
    this.panel.toggleAttribute("data-some", current.length > 0);
    part("no-alerts").hidden = current.length > 0;
    part("alerts-past").hidden = seen.length + past.length === 0;
    this.#write(part("alerts-past-title"), t("Seen and earlier ({n})", { n: seen.length + past.length }));
    this.#badges(current);
    this.#say();
  }

  #isNow(alert) {
    return alert.state === "firing" && !alert.acknowledged_at && !(alert.snoozed_until > this.now());
  }

  #who(alert) {
    return alert.student === null ? t("The class") : this.nameOf(alert.student) ?? t("A student");
  }

  /** Make `list` show exactly `alerts`, in this order; items that stay are not touched, and keep the focus. */
  #fill(list, alerts) {
    let place = list.firstElementChild;
    for (const alert of alerts) {
      const item = this.#item(alert);
      if (item.root === place) place = place.nextElementSibling;
      else list.insertBefore(item.root, place);
      this.#update(item, alert);
    }
    while (place) {
      const next = place.nextElementSibling;
      place.remove();
      place = next;
    }
  }

  #item(alert) {
    let item = this.items.get(alert.id);
    if (item) return item;
    const root = part("alert").content.firstElementChild.cloneNode(true);
    const inner = (name) => root.querySelector(`.${name}`);
    item = { root, who: inner("who"), what: inner("what"), why: inner("why"), when: inner("when"), got: inner("got-it"), snooze: inner("snooze"), row: inner("row") };
    item.got.addEventListener("click", () => this.#ask(alert.id, "acknowledge", {}));
    item.snooze.addEventListener("click", () => this.#ask(alert.id, "snooze", { minutes: SNOOZE_MIN }));
    this.items.set(alert.id, item);
    return item;
  }

  #update(item, alert) {
    const now = this.now();
    const who = this.#who(alert);
    const times = { since: minute(alert.since), age: age(now - alert.since) };
    let when = t("since {since}, {age}", times);
    if (alert.state !== "firing") when = t("{since}–{until}, over", { ...times, until: minute(alert.ended_at) });
    else if (alert.snoozed_until > now) when = t("since {since}, snoozed until {until}", { ...times, until: minute(alert.snoozed_until) });
    else if (alert.acknowledged_at) when = t("since {since}, seen", times);
    this.#write(item.who, who);
    this.#write(item.what, alert.headline);
    this.#write(item.why, alert.why);
    this.#write(item.when, when);
    item.row.hidden = !this.#isNow(alert);
    if (item.named !== who) {
      item.named = who;
      item.got.setAttribute("aria-label", t("Got it: {who}, {what}", { who, what: alert.headline }));
      item.snooze.setAttribute("aria-label", t("Snooze {minutes} min: {who}, {what}", { minutes: SNOOZE_MIN, who, what: alert.headline }));
    }
    item.root.toggleAttribute("data-class", alert.student === null);
  }

  /** The cards of the students concerned: a mark and its meaning in words. */
  #badges(current) {
    const told = new Map();
    for (const alert of current) if (alert.student !== null && !told.has(alert.student)) told.set(alert.student, alert);
    this.alerted = new Set(told.keys());
    for (const badge of document.querySelectorAll(".card > .badge")) {
      const alert = told.get(Number(badge.parentElement.dataset.student));
      if (badge.hidden === !alert && (!alert || badge.title === alert.headline)) continue;
      badge.hidden = !alert;
      badge.title = alert?.headline ?? "";
      badge.querySelector(".hidden-text").textContent = alert ? t("Alert: {what}", { what: alert.headline }) : "";
      badge.parentElement.toggleAttribute("data-badge", Boolean(alert));
    }
  }

  async #ask(id, what, body) {
    const list = part("alerts-list");
    const place = [...list.children].indexOf(this.items.get(id)?.root);
    try {
      const alert = await post(`${this.path}/alerts/${id}/${what}`, body);
      this.known.set(id, alert);
      this.render();
      const next = list.children[Math.min(Math.max(place, 0), list.children.length - 1)];
      (next?.querySelector("button") ?? this.toggle).focus();
    } catch (error) { this.fail(error); }
  }

  #write(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  #remembered() {
    try {
      const kept = localStorage.getItem(SWITCH);
      return kept === null ? null : kept === "open";
    } catch { return null; }
  }
}
