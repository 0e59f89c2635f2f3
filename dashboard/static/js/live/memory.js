// What the page knows: ten minutes of samples per student, the newest state of each camera, the class by second.

export const KEEP_S = 600;
const CARRY_S = 5; // a score counts for the class until it is this old
const HOLE_S = 3;  // a shorter hole in a student's line is drawn through

export class Student {
  constructor(entry) {
    this.entry = entry;
    this.scores = new Map(); // second → score or null
    this.latest = null;      // the newest sample by time of capture
    this.status = null;      // the newest state of the camera
    this.away = new Set();   // seconds without a face
    this.dirty = true;
  }

  /** Take a sample; false where this second was known. */
  add(sample) {
    if (this.scores.has(sample.second)) return false;
    this.scores.set(sample.second, sample.score);
    if (sample.word === "away") this.away.add(sample.second);
    if (this.latest === null || sample.captured_at > this.latest.captured_at) this.latest = sample;
    this.dirty = true;
    return true;
  }

  /** The camera's state, unless a newer sample shows that it is over. */
  get state() {
    if (!this.status || (this.latest && this.latest.captured_at > this.status.at)) return "live";
    return this.status.state;
  }

  forget(before) {
    for (const second of this.scores.keys()) {
      if (second >= before) continue;
      this.scores.delete(second);
      this.away.delete(second);
    }
  }

  /** The second since which the student has been away without a break, as far as the page remembers. */
  awaySince() {
    let since = this.latest.second;
    for (let s = since; s > this.latest.second - KEEP_S; s--) {
      if (this.away.has(s)) since = s;
      else if (this.scores.has(s)) break;
    }
    return since;
  }

  /** The score that counts at a second: that of the newest sample of the last five seconds, null where it has none. */
  scoreAt(second) {
    for (let s = second; s > second - CARRY_S; s--) if (this.scores.has(s)) return this.scores.get(s);
    return null;
  }

  /** [second, score] of the last `span` seconds, null scores where the line must break. */
  line(now, span) {
    const points = [];
    let last = null;
    for (let s = now - span; s <= now; s++) {
      if (!this.scores.has(s)) continue;
      if (last !== null && s - last > HOLE_S) points.push([last + 1, null]);
      points.push([s, this.scores.get(s)]);
      last = s;
    }
    return points;
  }
}

export class Memory {
  constructor() {
    this.students = new Map();
    this.seconds = new Map(); // second → {mean, low, high, scored}
    this.newest = 0;
    this.trueAt = 0;          // the newest moment the page may speak of
    this.strangers = false;   // a sample of someone who is not in the roster came
    this.rate = null;         // looks a second that each camera is asked for, and was agreed, where the server told
    this.stale = Infinity;    // the first second of the class that is to be worked out again
  }

  /** Take the roster: new students appear, known ones keep what they have, others go. */
  setRoster(entries) {
    this.strangers = false;
    const ids = new Set(entries.map((entry) => entry.student));
    for (const id of this.students.keys()) if (!ids.has(id)) this.students.delete(id);
    for (const entry of entries) {
      const known = this.students.get(entry.student);
      if (known) { known.entry = entry; known.dirty = true; } else this.students.set(entry.student, new Student(entry));
    }
  }

  /** Take samples in any order; return how many were new. `workOut` then says what they mean for the class. */
  addSamples(samples) {
    let added = 0;
    for (const sample of samples) {
      const student = this.students.get(sample.student);
      if (!student) this.strangers = true;
      if (!student?.add(sample)) continue;
      added++;
      this.stale = Math.min(this.stale, sample.second);
      this.newest = Math.max(this.newest, sample.second);
      this.trueAt = Math.max(this.trueAt, sample.captured_at);
    }
    return added;
  }

  addStatuses(statuses) {
    for (const status of statuses) {
      const student = this.students.get(status.student);
      if (!student || (student.status && status.at < student.status.at)) continue;
      student.status = status;
      student.dirty = true;
      this.trueAt = Math.max(this.trueAt, status.at);
    }
  }

  /** Take the class's past from the server, for seconds the page has no samples of. */
  addTimeline(rows) {
    for (const row of rows) if (!this.seconds.has(row.second)) this.seconds.set(row.second, row);
  }

  /** Work the class out where samples came since the last time: once for all students that came together. */
  workOut() {
    if (this.stale > this.newest) return;
    const first = Math.max(this.stale, this.newest - KEEP_S);
    this.stale = Infinity;
    for (let second = first; second <= this.newest; second++) {
      const scores = [];
      for (const student of this.students.values()) {
        const score = student.scoreAt(second);
        if (score !== null) scores.push(score);
      }
      this.seconds.set(second, summary(second, scores));
    }
    const before = this.newest - KEEP_S;
    for (const second of this.seconds.keys()) if (second < before) this.seconds.delete(second);
    for (const student of this.students.values()) student.forget(before);
  }

  /** The class mean around a second (the `span` seconds up to it), or null; of seconds with `least` scores or more. */
  meanUpTo(second, span, least = 1) {
    let sum = 0, n = 0;
    for (let s = second - span + 1; s <= second; s++) {
      const row = this.seconds.get(s);
      if (row?.mean != null && row.scored >= least) { sum += row.mean; n++; }
    }
    return n ? sum / n : null;
  }
}

/**
 * Columns for the chart over [from, to]: seconds, lower and upper quartile, means (drawn last, on top), of the rows that
 * rest on at least `least` scores.
 */
export function columns(rows, from, to, least = 1) {
  const x = [], mean = [], low = [], high = [];
  for (let s = from; s <= to; s++) {
    const row = rows.get(s);
    const shown = row !== undefined && row.mean !== null && row.scored >= least;
    x.push(s);
    mean.push(shown ? row.mean : null);
    low.push(shown ? row.low : null);
    high.push(shown ? row.high : null);
  }
  return [x, low, high, mean];
}

export function summary(second, scores) {
  if (!scores.length) return { second, mean: null, low: null, high: null, scored: 0 };
  scores.sort((a, b) => a - b);
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return { second, mean, low: quantile(scores, 0.25), high: quantile(scores, 0.75), scored: scores.length };
}

/** Linear interpolation between order statistics, as numpy does by default. */
function quantile(sorted, q) {
  const place = (sorted.length - 1) * q;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
