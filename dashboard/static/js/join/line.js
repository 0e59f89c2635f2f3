// The line to the server: one frame on its way at most, at the rate the server asks for, and again after every drop.
//
// Nothing here waits by a timer of the page: `tick` is called by the worker's timer, so that a hidden tab keeps its pace.

import { io } from "/vendor/socket.io.js";
import { post } from "./api.js";

export const LEAST_FPS = 1;
const ANSWER_WITHIN_MS = 5000;
const FIRST_WAIT_MS = 1000, LONGEST_WAIT_MS = 10_000;
const SLOW_MS = 700, QUICK_MS = 250, QUICK_IN_A_ROW = 20;

export class Line {
  /** `handlers`: picture() → bytes or null, onReading(reading), onState(state), onLeft(), onChanged(), onLink(up), onSlow(slow). */
  constructor(handlers) {
    this.handlers = handlers;
    this.rate = LEAST_FPS;
    this.sending = false;
    this.sent = 0;
    this.quick = 0;
    this.dueAt = 0;
    this.waits = 0;
    this.retryAt = 0;
    this.socket = io("/join", {
      autoConnect: false,
      reconnection: false, // by `tick`
      forceNew: true,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      timeout: 8000,
      auth: (done) => post("/ticket").then(done, (error) => { this.#refused(error); done({}); }),
    });
    this.socket.on("connect", () => { this.waits = 0; this.dueAt = 0; handlers.onLink(true); });
    this.socket.on("disconnect", () => this.#later());
    this.socket.on("connect_error", () => this.#later());
    this.socket.on("reading", (reading) => handlers.onReading(reading));
    this.socket.on("changed", () => handlers.onChanged());
    this.socket.on("left", () => handlers.onLeft());
    this.socket.on("taken", () => handlers.onState("taken"));
    addEventListener("online", () => { this.retryAt = 0; });
  }

  get up() {
    return this.socket.connected;
  }

  close() {
    this.closed = true;
    this.socket.disconnect();
  }

  /** Called several times a second: connects anew, or sends the frame that is due. */
  tick(now = performance.now()) {
    if (this.closed) return;
    if (!this.up) {
      if (now >= this.retryAt && !this.socket.active) { this.retryAt = now + LONGEST_WAIT_MS; this.socket.connect(); }
      return;
    }
    if (this.sending || now < this.dueAt) return;
    this.dueAt = Math.max(this.dueAt + 1000 / this.rate, now); // on a grid; after a delay a new one
    this.#send(now);
  }

  async #send(now) {
    this.sending = true;
    try {
      const picture = await this.handlers.picture();
      if (!picture || !this.up) return;
      const begun = performance.now();
      const answer = await this.socket.timeout(ANSWER_WITHIN_MS).emitWithAck("frame", picture);
      this.#learn(performance.now() - begun);
      this.sent += answer.state === "on" && !answer.error ? 1 : 0;
      this.rate = Math.max(LEAST_FPS, answer.rate ?? this.rate);
      if (answer.state !== "on") this.handlers.onState(answer.state);
    } catch {
      this.rate = LEAST_FPS; // no answer: the line is slow or gone
      this.handlers.onSlow(true);
    } finally {
      this.sending = false;
      this.dueAt = Math.max(this.dueAt, now + 1000 / this.rate);
    }
  }

  /** Smaller pictures while answers are slow to come. */
  #learn(took_ms) {
    if (took_ms > SLOW_MS) { this.quick = 0; this.handlers.onSlow(true); }
    else if (took_ms < QUICK_MS && ++this.quick >= QUICK_IN_A_ROW) { this.quick = 0; this.handlers.onSlow(false); }
  }

  #refused(error) {
    if (error.status === 409 || error.status === 401) this.handlers.onChanged();
  }

  #later() {
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.waits++);
    this.retryAt = performance.now() + wait * (0.75 + Math.random() / 2); // a whole class does not come back at once
    this.socket.disconnect();
    this.handlers.onLink(false);
  }
}
