// The seating plan: pick up, put down, swap, take off, by mouse, finger or keyboard; saved at once.

import { get, post } from "../live/api.js";
import { t } from "../words.js";
import { setUpDragging } from "./drag.js";
import { Plan } from "./plan.js";
import { buttonOfStudent, draw, focusSeat } from "./room.js";

const room = document.getElementById("room");
const announcer = document.getElementById("announcer");
const saved = document.getElementById("saved");
const problem = document.getElementById("problem");
const sizes = [document.getElementById("rows"), document.getElementById("columns")];
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const plan = new Plan(JSON.parse(room.dataset.plan));
const fixed = "fixed" in room.dataset;
const address = `/courses/${plan.course}/seating`;
let held = null;
let current = null;
let saving = Promise.resolve();

const nameOf = (student) => plan.students.get(student).name;
const say = (text) => { announcer.textContent = text; };

function redraw() {
  draw(plan, { held, current, fixed });
}

function redrawKeepingFocus() {
  const { seat, student } = document.activeElement?.dataset ?? {};
  redraw();
  if (seat) focusSeat(seat);
  else if (student) buttonOfStudent(student)?.focus();
}

function failed(error) {
  problem.textContent = error.message;
  problem.hidden = false;
  saved.textContent = "";
}

/** Send a change after the ones before it; where it is refused, show the plan as the server has it. */
function send(change) {
  saved.textContent = t("Saving …");
  saving = saving.then(async () => {
    try {
      const answer = await post(address, { version: plan.version, ...change });
      plan.version = answer.version;
      problem.hidden = true;
      saved.textContent = t("Saved.");
      return answer;
    } catch (error) {
      try { plan.take(await get(address)); } catch { /* the line below says what is wrong */ }
      held = null;
      redrawKeepingFocus();
      failed(error);
      return null;
    }
  });
  return saving;
}

function where(student) {
  const { name, seat } = plan.students.get(student);
  return seat ? t("{name} sits on {seat}.", { name, seat }) : t("{name} has no seat.", { name });
}

function put(student, seat) {
  const moves = plan.move(student, seat);
  held = null;
  if (seat) current = seat;
  say(moves.length ? moves.map((move) => where(move.student)).join(" ") : t("{name} stays.", { name: nameOf(student) }));
  redraw();
  if (moves.length) send({ moves });
}

function pickUp(student) {
  held = student;
  current = plan.students.get(student).seat ?? plan.freeSeat() ?? "A1";
  say(t("{name} is picked up. Choose a seat with the arrow keys; Enter puts down, Escape cancels.", { name: nameOf(student) }));
  redraw();
  focusSeat(current);
}

function cancel() {
  if (held === null) return;
  const student = held;
  held = null;
  say(t("{name} stays.", { name: nameOf(student) }));
  redraw();
  buttonOfStudent(student)?.focus();
}

function pressed(button) {
  const { seat, student } = button.dataset;
  if (held === null) {
    if (student) pickUp(Number(student));
    return;
  }
  if (seat) {
    put(held, seat);
    focusSeat(seat);
  } else if (Number(student) === held) {
    cancel();
  } else {
    pickUp(Number(student));
  }
}

function takeOff(student) {
  const from = plan.students.get(student).seat;
  if (!from) return;
  current = from;
  put(student, null);
  focusSeat(from);
}

function step(seat, [down, right]) {
  const next = plan.beside(seat, down, right);
  if (!next) return;
  current = next;
  focusSeat(next);
  if (held === null) return;
  const other = plan.at(next);
  const free = !other || other.student === held;
  say(free ? t("{seat}, free", { seat: next }) : t("{seat}, {name}: they would change places", { seat: next, name: other.name }));
}

function keyed(event) {
  const button = event.target.closest?.("[data-seat], [data-student]");
  if (event.key === "Escape") cancel();
  else if (button && ARROWS[event.key] && button.dataset.seat) step(button.dataset.seat, ARROWS[event.key]);
  else if (button && (event.key === "Delete" || event.key === "Backspace")) {
    const student = held ?? Number(button.dataset.student ?? 0);
    if (student) takeOff(student);
  } else return;
  if (event.key !== "Escape") event.preventDefault();
}

async function resize() {
  const asked = sizes.map((input) => input.value);
  const [rows, columns] = asked.map(Number);
  if (!sizes.every((input) => input.checkValidity()) || (rows === plan.rows && columns === plan.columns)) return;
  const answer = await send({ rows, columns });
  if (answer) plan.take(answer);
  // What was typed while the answer was on its way stays: it is the next change.
  [plan.rows, plan.columns].forEach((size, i) => { if (sizes[i].value === asked[i]) sizes[i].value = size; });
  held = null;
  redraw();
}

document.getElementById("print").addEventListener("click", () => print());
redraw();
if (!fixed) {
  setUpDragging(document.getElementById("content"), put);
  document.getElementById("content").addEventListener("click", (event) => {
    const button = event.target.closest("[data-seat], [data-student]");
    if (button) pressed(button);
    else if (held !== null && event.target.closest(".standing")) takeOff(held);
  });
  addEventListener("keydown", keyed);
  for (const input of sizes) input.addEventListener("change", resize);
}
