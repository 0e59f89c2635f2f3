// Asks the server what a picture shows. An error is one line for the page; `wait` says whether trying again may help.

import { t } from "../words.js";

const token = document.querySelector('meta[name="csrf-token"]').content;

export class LookError extends Error {
  constructor(text, wait = false) {
    super(text);
    this.wait = wait;
  }
}

async function ask(path, body, type) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", body, headers: { "X-CSRFToken": token, "Content-Type": type } });
  } catch {
    throw new LookError(t("The server cannot be reached."), true);
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new LookError(found.error ?? t("The server answered {code}.", { code: answer.status }), answer.status === 503);
  return found;
}

export const look = (blob) => ask("/try/look", blob, blob.type);
export const drawn = (seed, at) => ask("/try/drawn", JSON.stringify({ seed, at_s: at }), "application/json");

/** What is on a canvas, as a JPEG: so no metadata of the original leaves this device. */
export const asJpeg = (canvas, quality) =>
  new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new LookError(t("This browser cannot make a picture of that.")))), "image/jpeg", quality));
