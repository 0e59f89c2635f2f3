// The window that the teacher shares: asked for by a press, let go at once, its pictures made small.
import { t } from "../words.js";

const WIDEST = 1280;   // faces in a grid of 25 have about 50 pixels then
const QUALITY = 0.8;

export class ScreenError extends Error {}

/** What to do about a window that cannot be had, in one line. */
function inWords(error) {
  if (!isSecureContext || !navigator.mediaDevices?.getDisplayMedia) {
    return t("This browser cannot share a window here. Use Chrome, Edge, Firefox or Safari on a computer, at an address that begins with https or at localhost.");
  }
  if (error?.name === "NotAllowedError") return t("No window was shared. Press the button again and choose the window of the meeting.");
  return t("The window could not be shared. Try again, or choose another window.");
}

export class Screen {
  /** `onEnd()` is called when sharing ended without `stop`: by the browser's own button, or the window was closed. */
  constructor(video, onEnd) {
    this.video = video;
    this.onEnd = onEnd;
    this.track = null;
  }

  /** Ask for a window and show it; throws ScreenError with a line for the page. */
  async start() {
    let stream;
    try {
      stream = await navigator.mediaDevices.getDisplayMedia({
        audio: false, video: { frameRate: { ideal: 5, max: 15 }, cursor: "never" }, preferCurrentTab: false,
      });
    } catch (error) {
      throw new ScreenError(inWords(error));
    }
    const [track] = stream.getVideoTracks();
    this.track = track;
    this.grabber = null;
    track.addEventListener("ended", () => { if (track === this.track) { this.stop(); this.onEnd(); } });
    this.video.srcObject = stream;
    await this.video.play().catch(() => {}); // a hidden page may refuse; pictures are then grabbed from the track
  }

  stop() {
    const { track } = this;
    this.track = null;
    track?.stop();
    this.video.srcObject = null;
  }

  /** The picture of now as JPEG bytes, or null where there is none. */
  async picture() {
    const source = await this.#source();
    if (!source) return null;
    const width = source.videoWidth ?? source.width, height = source.videoHeight ?? source.height;
    const scale = Math.min(1, WIDEST / Math.max(width, height));
    const wide = Math.round(width * scale), high = Math.round(height * scale);
    this.canvas ??= new OffscreenCanvas(wide, high);
    if (this.canvas.width !== wide) this.canvas.width = wide;
    if (this.canvas.height !== high) this.canvas.height = high;
    this.canvas.getContext("2d", { alpha: false, willReadFrequently: true }).drawImage(source, 0, 0, wide, high);
    source.close?.();
    const blob = await this.canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    return this.track ? blob.arrayBuffer() : null;
  }

  /** The video while it is seen; hidden, the browser may not draw it, so the picture comes from the track itself. */
  async #source() {
    if (!this.track || this.track.readyState !== "live" || this.track.muted) return null;
    if (document.hidden && "ImageCapture" in globalThis) {
      this.grabber ??= new ImageCapture(this.track); // not before it is needed: making one asks for the camera's policy
      try { return await this.grabber.grabFrame(); } catch { /* not now; the video's last picture serves */ }
    }
    return this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && this.video.videoWidth ? this.video : null;
  }
}
