// The tools above the cards: search, order, plan, markers, pause, looking at the screen, the projector's view; and keys.

import { t } from "../words.js";
import { post } from "./api.js";
import { open } from "./dialogs.js";
import { setUpKeys } from "./keys.js";
import { Look } from "./look.js";

const VIEW = "engage-view";
const PROJECTOR = "engage-projector"; // of this tab: the teacher's own screen stays as it is

const part = (id) => document.getElementById(id);

export class Tools {
  constructor(page) {
    this.page = page;
    this.look = new Look(page.path, { now: () => page.now(), changed: () => page.refresh() });
    if (kept("sessionStorage", PROJECTOR) === "on") this.#hide(true);
    if (kept("localStorage", VIEW) === "seats") page.cards.seated = true;
  }

  start() {
    const { page } = this;
    part("find").addEventListener("input", () => this.#search());
    part("sort").addEventListener("change", () => page.cards.sort(part("sort").value));
    part("resort").addEventListener("click", () => page.cards.sort());
    part("view").addEventListener("click", () => this.#view());
    part("pause").addEventListener("click", () => this.#pause());
    part("projector").addEventListener("click", () => this.#switch());
    part("marker-form").addEventListener("submit", () => this.#mark());
    part("look-start").addEventListener("click", () => this.#lookNow());
    part("look").addEventListener("close", () => this.look.stop());
    part("more").addEventListener("click", (event) => { if (event.target.closest("button")) part("more").open = false; });
    addEventListener("click", (event) => { if (!part("more").contains(event.target)) part("more").open = false; });
    this.#showView();
    setUpKeys({
      m: () => open("marker"),
      p: () => this.#pause(),
      s: () => this.#nextOrder(),
      v: () => this.#view(),
      h: () => this.#switch(),
      l: () => this.#openLook(),
      a: () => { if (!page.hidden) page.alerts.visit(); },
      "/": () => { if (!page.hidden) part("find").focus(); },
      Escape: () => this.#escape(),
    }, part("keys-on"));
    part("more").querySelector("[data-look]").addEventListener("click", () => this.#openLook());
  }

  /** Show what the session is at. */
  render(session) {
    part("pause").setAttribute("aria-pressed", String(session.paused));
    part("pause-word").textContent = session.paused ? t("Go on") : t("Pause");
  }

  #escape() {
    if (part("more").open) { part("more").open = false; part("more").querySelector("summary").focus(); return; }
    if (this.page.why.close()) return;
    if (part("find").value) { part("find").value = ""; this.#search(); }
    document.activeElement?.blur();
  }

  #search() {
    part("nobody").hidden = this.page.cards.find(part("find").value) > 0;
  }

  #nextOrder() {
    const sort = part("sort");
    if (this.page.hidden || this.page.cards.seated) return;
    sort.selectedIndex = (sort.selectedIndex + 1) % sort.options.length;
    this.page.cards.sort(sort.value);
    this.#say(t("Sorted {how}", { how: sort.selectedOptions[0].text }));
  }

  #view() {
    const { cards } = this.page;
    if (this.page.hidden) return;
    cards.seat(!cards.seated);
    keep("localStorage", VIEW, cards.seated ? "seats" : "cards");
    this.#showView();
    this.#say(cards.seated ? t("Seating plan") : t("Cards"));
    this.page.draw(true);
  }

  #showView() {
    const { seated } = this.page.cards;
    part("view").setAttribute("aria-pressed", String(seated));
    part("sort").closest("label").hidden = seated;
    part("resort").hidden = true;
  }

  #switch() {
    const yes = !this.page.hidden;
    keep("sessionStorage", PROJECTOR, yes ? "on" : "off");
    this.#hide(yes);
    this.#say(yes ? t("Names, scores and alerts are hidden. The class is shown.") : t("Names are shown."));
  }

  #hide(yes) {
    part("projector").setAttribute("aria-pressed", String(yes));
    part("projector-word").textContent = yes ? t("Show names") : t("Hide names");
    part("find").value = "";
    part("nobody").hidden = true;
    this.page.hide(yes);
  }

  async #pause() {
    await this.#ask("pause", { paused: !this.page.session.paused });
  }

  async #mark() {
    const field = part("marker-text");
    const text = field.value;
    field.value = "";
    await this.#ask("markers", { text });
  }

  #openLook() {
    this.#tellLook("", null);
    part("look-start").hidden = false;
    open("look");
  }

  async #lookNow() {
    part("look-start").hidden = true;
    try {
      await this.look.ask(null, (words, left) => this.#tellLook(words, left));
    } catch (error) {
      this.#tellLook(error.message, null);
      part("look-start").hidden = false;
    }
  }

  #tellLook(words, left) {
    if (part("look-words").textContent !== words) part("look-words").textContent = words;
    part("look-left").textContent = left ?? "";
  }

  async #ask(what, body) {
    try {
      await post(`${this.page.path}/${what}`, body);
      await this.page.refresh();
    } catch (error) { this.page.fail(error); }
  }

  #say(text) {
    part("announcer").textContent = text;
  }
}

function kept(storage, key) {
  try { return window[storage].getItem(key); } catch { return null; /* storage may be closed */ }
}

function keep(storage, key, value) {
  try { window[storage].setItem(key, value); } catch { /* as above */ }
}
