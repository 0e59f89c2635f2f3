// Names by seat: the faces before a fixed camera in rows, the students by their seats, and the teacher's word for it.

/** Faces from the front row to the back, each row left to right as the camera sees it. */
export function inRows(faces) {
  const rows = [];
  for (const face of [...faces].sort((a, b) => b.y + b.h - a.y - a.h)) {
    const row = rows.find(([first]) => Math.abs(first.y + first.h / 2 - face.y - face.h / 2) < 0.75 * Math.max(first.h, face.h));
    if (row) row.push(face); else rows.push([face]);
  }
  return rows.map((row) => row.sort((a, b) => a.x - b.x));
}

/** Pair students, by seat, with the faces of `rows`. */
export function propose(rows, people) {
  const seated = people.filter((person) => person.nameable && person.seat)
    .sort((a, b) => a.seat.localeCompare(b.seat, undefined, { numeric: true }));
  return rows.flat().slice(0, seated.length).map((face, place) => ({ face: face.id, person: seated[place] }));
}

export class Proposal {
  constructor(page, button, dialog) {
    this.page = page;
    this.dialog = dialog;
    this.mirrored = false;
    button.addEventListener("click", () => this.open());
    dialog.querySelector("#mirror").addEventListener("click", () => { this.mirrored = !this.mirrored; this.#draw(); });
    dialog.addEventListener("close", () => this.#close());
  }

  open() {
    this.#draw();
    this.dialog.returnValue = "";
    this.dialog.showModal();
  }

  #draw() {
    const { view, people } = this.page;
    const rows = inRows(view?.faces ?? []);
    if (this.mirrored) rows.forEach((row) => row.reverse());
    this.pairs = propose(rows, [...people.people.values()]);
    const names = this.pairs.map(({ person }) => Object.assign(document.createElement("li"), { textContent: `${person.name} · ${person.seat}` }));
    this.dialog.querySelector("#proposed").replaceChildren(...names);
    if (view) {
      const guessed = this.pairs.map(({ face, person }) => ({ student: person.student, hold: "unsure", face: null, maybe: [face], alike: false }));
      this.page.stage.draw({ ...view, names: guessed }, (student) => people.nameOf(student));
    }
  }

  async #close() {
    if (this.dialog.returnValue !== "take") return;
    for (const { face, person } of this.pairs) await this.page.name(person.student, face);
  }
}
