// The joined student's page: camera, line and reading, started together and stopped together.
import { t } from "../words.js";
import { get, post } from "./api.js";
import { Camera, CameraError } from "./camera.js";
import { CheckIn } from "./checkin.js";
import { Line } from "./line.js";
import { Reading } from "./reading.js";

const TICK_MS = 50;
const ASK_EVERY_MS = 10_000; // while it is paused, in case a word got lost

const part = (id) => document.getElementById(id);
const root = document.querySelector("main.joined");

class JoinedPage {
  constructor() {
    this.state = "starting";
    this.whose = null;
    this.askAt = Infinity;
    this.reading = new Reading(root.dataset.mode);
    this.camera = new Camera(part("video"), (text) => this.trouble(text));
    this.line = new Line({
      picture: () => (this.state === "on" ? this.camera.picture() : null),
      onReading: (reading) => { if (this.state === "on") this.reading.show(reading); },
      onState: (state) => (state === "paused" || state === "ended" ? this.refresh() : this.enter(state)),
      onLeft: () => this.enter("ended"),
      onChanged: () => this.refresh(),
      onLink: (up) => this.onLink(up),
      onSlow: (slow) => { this.camera.narrow = slow; },
    });
    this.checkIn = new CheckIn(part("check-ins"), part("check-in"), (text) => this.announce(text));
    this.ticker = new Worker(root.dataset.worker);
    this.ticker.onmessage = () => this.tick();
    part("again").addEventListener("click", () => this.begin());
    part("pause").addEventListener("click", () => this.pause());
    part("look")?.addEventListener("click", () => this.look());
    addEventListener("pagehide", () => this.camera.stop());
    addEventListener("pageshow", (event) => { if (event.persisted) this.refresh(); });
    document.addEventListener("visibilitychange", () => this.stayAwake());
  }

  async start() {
    this.ticker.postMessage(TICK_MS);
    await this.refresh();
  }

  tick() {
    this.line.tick();
    this.reading.tick();
    this.checkIn.tick();
    if (performance.now() > this.askAt) { this.askAt = Infinity; this.refresh(); }
  }

  /** Ask the server where this device stands. */
  async refresh() {
    try {
      const { state, whose } = await get("/state");
      this.enter(state, whose ?? null);
    } catch (error) {
      if (error.status === 401) return this.enter("ended");
      this.askAt = performance.now() + ASK_EVERY_MS;
      if (this.state === "starting") this.say(error.message);
    }
  }

  enter(state, whose = null) {
    const before = this.state;
    [this.state, this.whose] = [state, whose];
    root.dataset.state = state;
    const own = state === "paused" && whose === "own";
    part("pause").setAttribute("aria-pressed", String(own));
    part("pause").textContent = own ? t("Go on") : t("Pause");
    part("pause").disabled = !(state === "on" || own);
    if (part("look")) part("look").disabled = state !== "on";
    if (state === "on") {
      this.askAt = Infinity;
      if (before !== "on" || !this.camera.open) this.begin();
      return;
    }
    this.camera.stop();
    this.reading.paused();
    this.askAt = state === "paused" ? performance.now() + ASK_EVERY_MS : Infinity;
    part("veil").textContent = t("Camera off");
    if (state !== "paused") { this.line.close(); part("stop").disabled = true; }
    this.say(this.why());
  }

  why() {
    if (this.state === "taken") return t("You went on with another device. This one has stopped, and its camera is off.");
    if (this.state === "refused") return t("The answer on record is No. Nothing is sent, and the camera is off.");
    if (this.state === "ended") return t("This is over: the lesson has ended, or you have left it. The camera is off.");
    if (this.whose === "own") return t("Paused. The camera is off; press Go on when you want.");
    if (this.whose === "class") return t("Your teacher has paused the class. The camera is off until it goes on.");
    return t("Your teacher has paused your camera. It is off.");
  }

  /** Open the camera, or say what to do. */
  async begin() {
    if (this.state !== "on" || this.opening) return;
    this.opening = true;
    part("again").hidden = true;
    this.say(t("Your browser asks whether this page may use the camera. Say yes there, too."));
    try {
      await this.camera.start();
      if (this.state !== "on") return this.camera.stop();
      this.reading.clear(t("nothing yet"));
      this.onLink(this.line.up);
      this.stayAwake();
    } catch (error) {
      if (!(error instanceof CameraError)) throw error;
      this.trouble(error.message);
    } finally {
      this.opening = false;
    }
  }

  /** A phone that goes dark would close its camera. */
  stayAwake() {
    if (this.camera.open && !document.hidden) navigator.wakeLock?.request("screen").catch(() => {}); // not everywhere
  }

  trouble(text) {
    this.reading.clear(t("no camera"));
    part("veil").textContent = t("Camera off");
    part("again").hidden = false;
    this.say(text);
  }

  onLink(up) {
    root.dataset.link = up ? "up" : "down";
    if (this.state !== "on" || !this.camera.open) return;
    this.say(up ? "" : t("The connection is lost. It is tried again by itself; nothing is sent meanwhile."));
  }

  async pause() {
    const pausing = this.state === "on";
    if (pausing) { this.camera.stop(); this.say(t("Paused. The camera is off; press Go on when you want.")); } // at once, whatever the server says
    try {
      const { state, whose } = await post("/pause", { paused: pausing });
      this.enter(state, whose ?? null);
    } catch (error) {
      if (pausing) this.enter("paused", "own");
      this.say(error.message);
    }
  }

  async look() {
    part("look").disabled = true;
    try {
      const { starts_in, ends_in } = await post("/look");
      this.announce(t("Look at the middle of your screen in {n} seconds.", { n: Math.round(starts_in) }));
      this.say(t("Soon: look at the middle of your screen …"));
      setTimeout(() => this.say(t("Look at the middle of your screen now …")), starts_in * 1000);
      setTimeout(() => { this.say(""); this.announce(t("Done, thank you.")); part("look").disabled = this.state !== "on"; }, ends_in * 1000);
    } catch (error) {
      this.say(error.message);
      part("look").disabled = this.state !== "on";
    }
  }

  say(text) {
    if (part("say-text").textContent !== text) part("say-text").textContent = text;
    part("say").hidden = !text;
  }

  announce(text) {
    part("announcer").textContent = text;
  }
}

window.engageJoin = new JoinedPage();
window.engageJoin.start();
