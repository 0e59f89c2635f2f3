// "Look at your screen": asks the server, then counts down with it; the stretch that counts is the server's.

import { t } from "../words.js";
import { post } from "./api.js";

const TICK_MS = 200;

export class Look {
  /** `now()` is the server's time; `changed()` is called once they are asked. */
  constructor(path, { now, changed }) {
    Object.assign(this, { path, now, changed });
  }

  /** Ask a student, or the class where null; `tell(words, number)` is called with what to do now, and the seconds left. */
  async ask(student, tell) {
    this.stop();
    const step = await post(`${this.path}/calibration`, { student });
    this.changed();
    const tick = () => {
      const [words, left] = phase(step, this.now());
      tell(words, left);
      if (left === null) this.stop();
    };
    tick();
    this.timer = setInterval(tick, TICK_MS);
  }

  stop() {
    clearInterval(this.timer);
  }
}

function phase(step, now) {
  if (now < step.from) return [t("Look at the screen in"), Math.ceil(step.from - now)];
  if (now < step.until) return [t("Look at the screen now"), Math.ceil(step.until - now)];
  return [t("Done. Where they looked is now their usual line of sight."), null];
}
