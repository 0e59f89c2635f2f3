// The plan on the page: a grid of seats, and the list of who has none.

import { t, tn } from "../words.js";
import { seatName } from "./plan.js";

const seats = document.getElementById("seats");
const standing = document.getElementById("standing");
const count = document.getElementById("standing-count");

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function seatButton(name, student, fixed) {
  const button = element("button", student ? "seat taken" : "seat");
  button.type = "button";
  button.disabled = fixed;
  button.dataset.seat = name;
  button.tabIndex = -1;
  button.append(element("span", "seat-name", name), " ");
  if (student) {
    button.dataset.student = student.student;
    button.append(element("span", "who", student.name));
  } else {
    button.append(element("span", "hidden-text", t("free")));
  }
  return button;
}

function cell(button) {
  const made = element("div", "cell");
  made.setAttribute("role", "gridcell");
  made.append(button);
  return made;
}

/** Draw the plan. `held` is the student picked up, `current` the seat that Tab comes to. */
export function draw(plan, { held, current, fixed }) {
  seats.style.setProperty("--columns", plan.columns);
  seats.replaceChildren(...Array.from({ length: plan.rows }, (_, row) => {
    const line = element("div", "seat-row");
    line.setAttribute("role", "row");
    line.append(...Array.from({ length: plan.columns }, (_, column) => {
      const name = seatName(row + 1, column + 1);
      return cell(seatButton(name, plan.at(name), fixed));
    }));
    return line;
  }));
  standing.replaceChildren(...plan.standing().map((student) => {
    const item = element("li", "");
    const button = element("button", "standing-student", student.name);
    button.type = "button";
    button.disabled = fixed;
    button.dataset.student = student.student;
    item.append(button);
    return item;
  }));
  const n = plan.standing().length;
  if (n === 0) standing.append(element("li", "quiet", t("Everybody has a seat.")));
  count.textContent = n ? tn("{n} student", "{n} students", n) : "";
  for (const button of document.querySelectorAll("[data-student]")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.student) === held));
  }
  document.body.classList.toggle("holding", held !== null);
  const stop = buttonOf(current) ?? seats.querySelector("button");
  if (stop) stop.tabIndex = 0;
}

export const buttonOf = (seat) => (seat ? seats.querySelector(`[data-seat="${seat}"]`) : null);

export const buttonOfStudent = (student) => document.querySelector(`[data-student="${student}"]`);

/** Put the keyboard on a seat; Tab will come back to it. */
export function focusSeat(seat) {
  for (const button of seats.querySelectorAll('[tabindex="0"]')) button.tabIndex = -1;
  const button = buttonOf(seat);
  if (!button) return;
  button.tabIndex = 0;
  button.focus();
}
