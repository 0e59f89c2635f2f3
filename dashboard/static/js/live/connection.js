// The socket: watches one session, and after every (re)connect asks the API for what was missed.

import { t } from "../words.js";
import { io } from "/vendor/socket.io.js";

export const OVERLAP_S = 60;

export class Connection {
  /** `handlers`: onUpdate(update), onChanged(), onState("live" | "late" | "lost" | "refused", text), catchUp(since). */
  constructor(session, handlers) {
    this.session = session;
    this.handlers = handlers;
    this.socket = io({
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 5000,
      timeout: 8000,
    });
    this.socket.on("connect", () => this.#watch());
    this.socket.on("update", (update) => { if (update.session === this.session) handlers.onUpdate(update); });
    this.socket.on("changed", () => handlers.onChanged());
    this.socket.on("missed", ({ session, since }) => { if (session === this.session) this.#fill(since); });
    this.socket.on("trouble", ({ what, since }) => this.#trouble(what, since));
    this.socket.on("disconnect", (reason) => this.#lost(reason));
    this.socket.on("connect_error", () => {
      handlers.onState("lost");
      if (!this.socket.active) this.#again(); // refused, not unreachable: perhaps signed out
    });
    addEventListener("online", () => this.socket.connect());
  }

  get transport() {
    return this.socket.io.engine?.transport.name ?? null;
  }

  stop() {
    clearTimeout(this.timer);
    this.socket.disconnect();
  }

  async #watch() {
    try {
      const answer = await this.socket.timeout(5000).emitWithAck("watch", { session: this.session });
      if (!answer.ok) return this.handlers.onState("refused", answer.error);
      this.away = answer.trouble ?? [];
      await this.handlers.catchUp(); // after watching, so that nothing falls between
      if (this.socket.connected) this.#say();
    } catch (error) {
      if (error.status === 401 || error.status === 404) return this.handlers.onState("refused", t("You are signed out. Reload this page to sign in."));
      if (this.socket.connected) { this.socket.disconnect(); this.#again(); }
    }
  }

  /** Something behind the server is away, or all is back: then what was missed since is asked for. */
  #trouble(what, since) {
    this.away = what;
    if (!what.length) return this.#fill(since);
    if (this.socket.connected) this.#say();
  }

  /** Ask for what this page was not told since a second, until it is answered. */
  async #fill(since) {
    clearTimeout(this.filling);
    this.since = Math.min(since ?? Infinity, this.since ?? Infinity);
    try {
      await this.handlers.catchUp(this.since);
      this.since = null;
      if (this.socket.connected) this.#say();
    } catch {
      this.filling = setTimeout(() => this.#fill(since), 2000);
    }
  }

  #say() {
    if (this.away?.length) this.handlers.onState("late", this.away[0]);
    else this.handlers.onState("live");
  }

  #lost(reason) {
    this.handlers.onState("lost");
    if (reason === "io server disconnect") this.#again(); // the library does not try again by itself here
  }

  #again() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.socket.connect(), 2000);
  }
}
