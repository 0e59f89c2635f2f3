// The seating plan: the same cards, each at its seat; A is the row at the board, 1 the column on the left.

import { t } from "../words.js";

const SEAT = /^\s*([A-T])\s*([1-9][0-9]?)\s*$/i;

/** {row, column}, both from 1, of a seat's name such as "B3"; null where it is none. */
export function placeOf(name) {
  const found = SEAT.exec(name ?? "");
  return found && { row: found[1].toUpperCase().charCodeAt(0) - 64, column: Number(found[2]) };
}

export class Room {
  constructor(list) {
    this.list = list;
    this.fixtures = []; // what is no card: the board, empty seats, a heading
  }

  /** Put every card at its seat; those without one, or whose seat is taken or not in the room, stand after the room. */
  arrange(cards, seats) {
    this.#clear();
    const { rows, columns } = seats;
    this.list.dataset.view = "seats";
    this.list.style.setProperty("--columns", columns);
    const taken = new Map();
    const standing = [];
    for (const card of cards) {
      const place = placeOf(card.student.entry.seat);
      const key = place && place.row <= rows && place.column <= columns ? (place.row - 1) * columns + place.column - 1 : -1;
      if (key < 0 || taken.has(key)) standing.push(card); else taken.set(key, card);
    }
    this.list.append(this.#fixture("board", t("Board"), 1));
    for (let key = 0; key < rows * columns; key++) {
      const name = String.fromCharCode(65 + Math.floor(key / columns)) + ((key % columns) + 1);
      const root = taken.get(key)?.root ?? this.#empty(name);
      this.list.append(root);
      root.style.gridArea = `${Math.floor(key / columns) + 2} / ${(key % columns) + 1}`;
    }
    if (!standing.length) return;
    this.list.append(this.#fixture("standing", t("Without a seat in the plan"), rows + 2));
    standing.forEach((card, i) => {
      this.list.append(card.root);
      card.root.style.gridArea = `${rows + 3 + Math.floor(i / columns)} / ${(i % columns) + 1}`;
    });
  }

  /** Take the room away; the cards stay, in a list. */
  leave(cards) {
    this.#clear();
    delete this.list.dataset.view;
    for (const card of cards) card.root.style.gridArea = "";
  }

  #clear() {
    for (const node of this.fixtures) node.remove();
    this.fixtures = [];
  }

  #fixture(kind, text, row) {
    const node = Object.assign(document.createElement("li"), { className: kind, textContent: text });
    node.style.gridRow = row;
    this.fixtures.push(node);
    return node;
  }

  #empty(name) {
    const node = this.#fixture("desk", name, "auto");
    node.setAttribute("aria-hidden", "true");
    return node;
  }
}
