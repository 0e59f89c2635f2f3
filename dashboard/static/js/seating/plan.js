// Who sits where: seats by name, and what a move changes. Knows no page.

export const seatName = (row, column) => `${String.fromCharCode(64 + row)}${column}`;

export class Plan {
  constructor(payload) {
    this.take(payload);
  }

  /** Become what the server says. */
  take({ course, version, seats, places }) {
    this.course = course;
    this.version = version;
    this.rows = seats.rows;
    this.columns = seats.columns;
    this.students = new Map(places.map((place) => [place.student, { ...place }]));
  }

  at(seat) {
    return [...this.students.values()].find((each) => each.seat === seat) ?? null;
  }

  standing() {
    return [...this.students.values()].filter((each) => each.seat === null);
  }

  freeSeat() {
    for (let row = 1; row <= this.rows; row += 1) {
      for (let column = 1; column <= this.columns; column += 1) {
        if (!this.at(seatName(row, column))) return seatName(row, column);
      }
    }
    return null;
  }

  /** Move a student to a seat (null: off the plan); whoever sat there takes the seat left. Returns the moves. */
  move(student, seat) {
    const mover = this.students.get(student);
    if (!mover || mover.seat === seat) return [];
    const other = seat === null ? null : this.at(seat);
    const moves = [{ student, seat }];
    if (other) {
      other.seat = mover.seat;
      moves.push({ student: other.student, seat: other.seat });
    }
    mover.seat = seat;
    return moves;
  }

  /** The seat that lies so many rows and columns from another, or null at the wall. */
  beside(seat, down, right) {
    const row = seat.charCodeAt(0) - 64 + down;
    const column = Number(seat.slice(1)) + right;
    return row < 1 || row > this.rows || column < 1 || column > this.columns ? null : seatName(row, column);
  }
}
