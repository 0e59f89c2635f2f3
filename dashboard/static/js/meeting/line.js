// The line to the server: pictures out at most twice a second, one on its way at most; boxes in.
import { io } from "/vendor/socket.io.js";

const RATE_FPS = 2;
const ANSWER_WITHIN_MS = 5000;
const AGAIN_MS = 2000;

export class Line {
  /** `handlers`: picture() → bytes or null, onView(view), onLink(up), onRefused(text). */
  constructor(session, handlers) {
    this.session = session;
    this.handlers = handlers;
    this.rate = RATE_FPS;
    this.dueAt = 0;
    this.sending = false;
    this.sent = 0;
    this.socket = io({
      transports: ["websocket", "polling"], tryAllTransports: true, reconnectionDelay: 500, reconnectionDelayMax: 5000, timeout: 8000,
    });
    this.socket.on("connect", () => this.#follow());
    this.socket.on("disconnect", (reason) => { handlers.onLink(false); if (reason === "io server disconnect") this.#again(); });
    this.socket.on("connect_error", () => { handlers.onLink(false); if (!this.socket.active) this.#again(); });
    this.socket.on("shared", (view) => { if (view.session === this.session) handlers.onView(view); });
  }

  /** Called several times a second by a worker's timer: sends the picture that is due. */
  tick(now = performance.now()) {
    if (this.sending || now < this.dueAt || !this.socket.connected) return;
    this.dueAt = Math.max(this.dueAt + 1000 / this.rate, now);
    this.#send();
  }

  async #send() {
    this.sending = true;
    try {
      const frame = await this.handlers.picture();
      if (!frame) return;
      const answer = await this.socket.timeout(ANSWER_WITHIN_MS).emitWithAck("share", { session: this.session, frame });
      this.rate = Math.min(RATE_FPS, answer.rate ?? this.rate);
      if (answer.ok) this.sent += 1;
      else this.handlers.onRefused(answer.error);
    } catch {
      this.rate = 1; // no answer: the line is slow or gone
    } finally {
      this.sending = false;
    }
  }

  async #follow() {
    try {
      const answer = await this.socket.timeout(ANSWER_WITHIN_MS).emitWithAck("follow_shared", { session: this.session });
      if (!answer.ok) return this.handlers.onRefused(answer.error);
      this.handlers.onLink(true);
    } catch {
      if (this.socket.connected) { this.socket.disconnect(); this.#again(); }
    }
  }

  #again() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.socket.connect(), AGAIN_MS);
  }
}
