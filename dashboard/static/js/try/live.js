// Live: the next picture is sent when the answer to the last one came, so that the pace is the server's.

import { t } from "../words.js";
import { shownWord } from "../live/words.js";
import { drawBoxes, sayHead, table } from "./faces.js";
import { asJpeg, drawn, look } from "./look.js";

const WIDTH_PX = 640;
const QUALITY = 0.85;
const LEAST_MS = 200; // 5 pictures a second are enough to see a face change
const AGAIN_MS = 1500;
const CALM = 0.5; // weight of the newest reading; the rest is what was shown before

const part = (id) => document.getElementById(id);
const place = part("live");
const emotions = JSON.parse(place.dataset.emotions);
const unknownBelow = Number(place.dataset.unknownBelow);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const largest = (faces) => faces.reduce((a, b) => (b.box[2] * b.box[3] > a.box[2] * a.box[3] ? b : a));

function tell(text, problem = false) {
  if (part("state").textContent !== text) part("state").textContent = text;
  part("state").classList.toggle("problem", problem);
  part("state").hidden = !text;
}

class Camera {
  async open() {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error(t("Browsers give the camera to pages with HTTPS alone. Open this page by its https address, or use a drawn face."));
    const video = part("video");
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: WIDTH_PX }, facingMode: "user" }, audio: false });
    } catch (error) {
      throw new Error(error.name === "NotAllowedError" ? t("The browser was told not to give the camera. Nothing was sent; a drawn face needs none.") : t("No camera can be used here ({why}). A drawn face needs none.", { why: error.name }));
    }
    video.srcObject = this.stream;
    this.stream.getVideoTracks()[0].addEventListener("ended", () => { this.ended = true; });
    await video.play();
    this.canvas = document.createElement("canvas");
  }

  /** What the camera shows now, and what it says. */
  async look() {
    if (this.ended) throw new Error(t("The camera was taken away. Reload this page to go on."));
    const video = part("video");
    const factor = Math.min(1, WIDTH_PX / video.videoWidth);
    this.canvas.width = Math.round(video.videoWidth * factor);
    this.canvas.height = Math.round(video.videoHeight * factor);
    this.canvas.getContext("2d").drawImage(video, 0, 0, this.canvas.width, this.canvas.height);
    return look(await asJpeg(this.canvas, QUALITY));
  }

  get size() { return [part("video").videoWidth, part("video").videoHeight]; }

  close() { this.stream?.getTracks().forEach((track) => track.stop()); }
}

class Drawing {
  constructor() {
    this.another();
    part("another").addEventListener("click", () => this.another());
  }

  another() {
    this.seed = Math.floor(Math.random() * 10000);
    this.began = performance.now();
  }

  open() { return Promise.resolve(); }

  async look() {
    const answer = await drawn(this.seed, (performance.now() - this.began) / 1000);
    const image = part("drawn");
    image.src = answer.picture;
    await image.decode();
    image.hidden = false;
    return answer;
  }

  get size() { return [part("drawn").naturalWidth, part("drawn").naturalHeight]; }

  close() {}
}

/** What was read lately, calm enough to be looked at. */
class Reading {
  show(faces) {
    const face = faces.length ? largest(faces) : null;
    if (!face) {
      this.shares = null;
      return this.say("👋", t("no face"));
    }
    if (!face.expression) {
      this.shares = null;
      return this.say("🙂", sayHead(face.angles));
    }
    const before = this.shares ?? face.expression;
    this.shares = Object.fromEntries(Object.entries(face.expression).map(([name, share]) => [name, CALM * share + (1 - CALM) * before[name]]));
    const [top, most] = Object.entries(this.shares).reduce((a, b) => (b[1] > a[1] ? b : a));
    if (most < unknownBelow) this.say(place.dataset.unknown, t("unclear"));
    else this.say(emotions[top], t("appears {word}", { word: shownWord(top) }));
    part("shares").replaceChildren(table(this.shares, emotions, t("What the face appears to show")));
  }

  say(emoji, word) {
    part("emoji").textContent = emoji;
    if (part("word").textContent !== word) part("word").textContent = word;
    if (!this.shares) part("shares").replaceChildren();
  }
}

async function run(source) {
  const reading = new Reading();
  const boxes = part("boxes");
  let per = null; // seconds from one picture to the next, smoothed
  while (!stopped) {
    const begun = performance.now();
    if (document.hidden) { await pause(AGAIN_MS); continue; }
    try {
      const { faces } = await source.look();
      if (stopped) return;
      [boxes.width, boxes.height] = source.size;
      drawBoxes(boxes, faces, false);
      reading.show(faces);
      tell("");
      const took = performance.now() - begun;
      await pause(Math.max(0, LEAST_MS - took));
      per = per === null ? performance.now() - begun : 0.8 * per + 0.2 * (performance.now() - begun);
      part("pace").textContent = t("{n} pictures a second, each answered after {ms} ms", { n: Math.round(10000 / per) / 10, ms: Math.round(took) });
    } catch (error) {
      tell(error.message, true);
      if (error.wait !== true) { source.close(); return; }
      await pause(AGAIN_MS);
    }
  }
}

let stopped = false;
const source = place.dataset.drawn === "yes" ? new Drawing() : new Camera();
addEventListener("pagehide", () => { stopped = true; source.close(); });
source.open().then(() => run(source), (error) => tell(error.message, true));
