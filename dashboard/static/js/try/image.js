// A picture: chosen or dropped, scaled down here, looked at there, shown with its faces.

import { t, tn } from "../words.js";
import { drawBoxes, facePanel } from "./faces.js";
import { asJpeg, look } from "./look.js";

const LONGEST_PX = 2048; // more than faces are looked for at
const QUALITY = 0.92;

const part = (id) => document.getElementById(id);
const emotions = JSON.parse(part("picker").dataset.emotions);
let newest = 0;

function tell(text, problem = false) {
  part("state").textContent = text;
  part("state").classList.toggle("problem", problem);
  part("state").hidden = !text;
}

/** The picture on the page's canvas, upright and no larger than needed. */
async function show(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const factor = Math.min(1, LONGEST_PX / Math.max(bitmap.width, bitmap.height));
  const canvas = part("picture");
  canvas.width = Math.max(1, Math.round(bitmap.width * factor));
  canvas.height = Math.max(1, Math.round(bitmap.height * factor));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}

async function take(file) {
  const mine = ++newest;
  part("path").textContent = file.name;
  part("faces").replaceChildren();
  part("looked").hidden = true;
  tell(t("Looking …"));
  let canvas;
  try {
    canvas = await show(file);
  } catch {
    tell(t("{name} is not a picture that this browser can read. Nothing was sent.", { name: file.name }), true);
    return;
  }
  part("looked").hidden = false;
  try {
    const { faces, mode } = await look(await asJpeg(canvas, QUALITY));
    if (mine !== newest) return; // another picture was chosen meanwhile
    drawBoxes(canvas, faces, true);
    part("faces").replaceChildren(...(mode === "presence" ? [] : faces.map((face, place) => facePanel(face, place, emotions))));
    tell(faces.length ? tn("{n} face was found.", "{n} faces were found.", faces.length) : t("No face was found on this picture."));
  } catch (error) {
    if (mine === newest) tell(error.message, true);
  }
}

let taken = null;
const chosen = () => {
  const file = part("file").files[0];
  if (file && file !== taken) take(taken = file);
};
part("file").addEventListener("change", chosen);
chosen(); // before this script was here, or kept by the browser over a reload
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  const file = event.dataTransfer.files[0];
  if (file) take(file);
});
