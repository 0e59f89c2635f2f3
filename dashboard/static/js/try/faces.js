// Boxes on a picture, and the eight expressions in words and numbers.

import { shownWord } from "../live/words.js";
import { t } from "../words.js";

const percent = (share) => `${Math.round(share * 100)} %`;

export function element(tag, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/** Boxes and their numbers, on a canvas as large as the picture is drawn. A dark and a light line show on any picture. */
export function drawBoxes(canvas, faces, numbered) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  const line = Math.max(2, Math.round(Math.max(width, height) / 320));
  context.textBaseline = "bottom";
  context.font = `600 ${Math.max(14, line * 8)}px system-ui, sans-serif`;
  faces.forEach(({ box: [x, y, w, h] }, place) => {
    const around = [x * width, y * height, w * width, h * height];
    context.lineWidth = line * 2.2;
    context.strokeStyle = "rgb(10 14 20 / .8)";
    context.strokeRect(...around);
    context.lineWidth = line;
    context.strokeStyle = "#fff";
    context.strokeRect(...around);
    if (!numbered) return;
    const label = String(place + 1);
    const size = context.measureText(label).width + line * 6;
    const high = line * 11;
    const top = Math.max(around[1], high);
    context.fillStyle = "rgb(10 14 20 / .85)";
    context.fillRect(around[0], top - high, size, high);
    context.fillStyle = "#fff";
    context.fillText(label, around[0] + line * 3, top - line);
  });
}

/** "appears happy", or what else may be said of a face. */
export function sayFace(face) {
  if (face.word === "unknown") return t("unclear");
  if (face.word) return t("appears {word}", { word: shownWord(face.word) });
  return face.angles.yaw === null ? t("a face") : sayHead(face.angles);
}

/** Where the head points, in words: 0 is at the camera, yaw > 0 to the person's own left, pitch > 0 up. */
export function sayHead({ yaw, pitch }) {
  if (yaw === null || pitch === null) return t("a face");
  const parts = [];
  if (Math.abs(yaw) >= 5) parts.push(yaw > 0 ? t("{n}° to their left", { n: Math.round(yaw) }) : t("{n}° to their right", { n: Math.round(-yaw) }));
  if (Math.abs(pitch) >= 5) parts.push(pitch > 0 ? t("{n}° up", { n: Math.round(pitch) }) : t("{n}° down", { n: Math.round(-pitch) }));
  return parts.length ? t("head {where}", { where: parts.join(", ") }) : t("head towards the camera");
}

/** The table of the eight expressions; `emotions` maps each to its emoji. */
export function table(expression, emotions, caption) {
  const top = Math.max(...Object.values(expression));
  const rows = Object.entries(expression).map(([name, share]) => {
    const row = element("tr", {},
      element("td", { class: "emoji", text: emotions[name], "aria-hidden": "true" }),
      element("th", { scope: "row", text: t(name) }),
      element("td", { class: "bar-cell" }, element("meter", { min: 0, max: 1, value: share, "aria-hidden": "true" })),
      element("td", { class: "share", text: percent(share) }));
    if (share === top) row.className = "top-share";
    return row;
  });
  return element("table", { class: "shares" }, element("caption", { class: "hidden-text", text: caption }), element("tbody", {}, ...rows));
}

/** A face in a panel of its own: what it appears to show, and the table where there is one. */
export function facePanel(face, place, emotions) {
  const title = t("Face {n}", { n: place + 1 });
  const panel = element("section", { class: "panel face", "aria-label": title },
    element("header", {},
      element("span", { class: "emoji", text: face.emoji ?? "🙂", "aria-hidden": "true" }),
      element("h2", { text: title }),
      element("p", { class: "quiet", text: sayFace(face) })));
  if (face.expression) panel.append(table(face.expression, emotions, t("What {face} appears to show", { face: title })));
  return panel;
}

/*
t("neutral"); t("happiness"); t("surprise"); t("sadness"); t("anger"); t("disgust"); t("fear"); t("contempt");
*/
