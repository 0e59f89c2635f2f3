// The student's camera: opened only when asked for, closed for good when not, and its pictures made small.
import { t } from "../words.js";

const WIDE = 480;      // a face at arm's length has about a hundred pixels then; the network reads 48
const NARROW = 320;    // for a slow line
const QUALITY = 0.8;

/** What to do about a camera that cannot be had, in one line. */
function inWords(error) {
  if (!isSecureContext || !navigator.mediaDevices) return t("The camera can only be used on an address that begins with https. Ask your teacher for it.");
  switch (error?.name) {
    case "NotAllowedError":
    case "SecurityError": return t("Your browser does not let this page use the camera. Allow it by the camera sign beside the address, then try again.");
    case "NotFoundError":
    case "OverconstrainedError": return t("No camera was found. Plug one in, or open its cover, then try again.");
    case "NotReadableError":
    case "AbortError": return t("Another program is using the camera. Close it there, then try again.");
    default: return t("The camera could not be opened. Try again, or use another browser.");
  }
}

export class CameraError extends Error {}

export class Camera {
  /** `onLost(text)` is called when a camera that was open is gone. */
  constructor(video, onLost) {
    this.video = video;
    this.onLost = onLost;
    this.stream = null;
    this.narrow = false;
  }

  get open() {
    return this.stream !== null;
  }

  /** Ask for the camera and show its picture; throws CameraError with a line for the page. */
  async start() {
    if (this.open) return;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: false, video: { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user", frameRate: { ideal: 15 } },
      });
    } catch (error) {
      throw new CameraError(inWords(error));
    }
    this.stop();
    this.stream = stream;
    const [track] = stream.getVideoTracks();
    track.addEventListener("ended", () => this.#lost(track));
    this.track = track;
    this.grabber = "ImageCapture" in globalThis ? new ImageCapture(track) : null;
    this.video.srcObject = stream;
    await this.video.play().catch(() => {}); // a hidden page may refuse; pictures are then grabbed from the track
  }

  /** Close the camera: its light goes out. */
  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }

  /** The picture of now as JPEG bytes, or null where there is none. */
  async picture() {
    const source = await this.#source();
    if (!source) return null;
    const width = source.videoWidth ?? source.width, height = source.videoHeight ?? source.height;
    const scale = Math.min(1, (this.narrow ? NARROW : WIDE) / Math.max(width, height));
    const blob = await this.#jpeg(source, Math.round(width * scale), Math.round(height * scale));
    source.close?.();
    return blob && blob.arrayBuffer();
  }

  /** The video while it is seen; hidden, the browser may not draw it, so the picture comes from the track itself. */
  async #source() {
    if (!this.open || this.track.readyState !== "live" || this.track.muted) return null;
    if (document.hidden && this.grabber) {
      try { return await this.grabber.grabFrame(); } catch { /* not now; the video's last picture serves */ }
    }
    return this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? this.video : null;
  }

  async #jpeg(source, width, height) {
    this.canvas ??= "OffscreenCanvas" in globalThis ? new OffscreenCanvas(width, height) : document.createElement("canvas");
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.canvas.getContext("2d", { alpha: false, willReadFrequently: true }).drawImage(source, 0, 0, width, height);
    if (this.canvas.convertToBlob) return this.canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
  }

  #lost(track) {
    if (track !== this.track || !this.open) return;
    this.stop();
    this.onLost(t("The camera was unplugged or switched off. Plug it in, then try again."));
  }
}
