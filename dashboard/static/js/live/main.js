// The live page of a session, or the timeline of one that has ended.

import { t } from "../words.js";
import { setUpDialogs } from "./dialogs.js";
import { showEnded } from "./ended.js";
import { LivePage } from "./page.js";

const root = document.querySelector("main.live");

setUpDialogs();
const id = Number(root.dataset.session);
const begun = root.dataset.running === "yes" ? (window.engageLive = new LivePage(id)).start() : showEnded(id);
begun.catch((error) => {
  const state = document.getElementById("state");
  state.textContent = error.message ?? t("This page could not start. Reload it.");
  state.hidden = false;
});
