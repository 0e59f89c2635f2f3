// One student's timeline: score and attention, gestures and corrections on it, and a stretch to be chosen by dragging.

import { drawMarkers } from "./band.js";
import { canvasColours } from "./spark.js";
import { minute } from "./words.js";

const FONT = `12px system-ui, "DejaVu Sans", sans-serif`;
const HOLE_S = 3;        // a shorter hole is drawn through
const SHORTEST_S = 120;
const LEAST_DRAG_PX = 4; // less is a click

export class StudentChart {
  /** `onStretch(from, until)` tells what was dragged over, `onMoment(second)` what was clicked. */
  constructor(root, { onStretch, onMoment }) {
    Object.assign(this, { root, onStretch, onMoment });
    this.range = [0, SHORTEST_S];
    this.moment = null;
    new ResizeObserver(() => this.#resize()).observe(root);
  }

  /** Show `rows` (second → {score, attention}) over [from, to] with gestures, corrections and markers. */
  show(rows, range, { gestures, corrections, markers }) {
    Object.assign(this, { range, gestures, corrections, markers });
    const data = columns(rows, range);
    if (this.plot) this.plot.setData(data, true);
    else this.#make(data);
  }

  /** Mark a moment, or none. */
  mark(moment) {
    this.moment = moment;
    this.plot?.redraw(false);
  }

  close() {
    this.plot?.destroy();
    this.plot = null;
  }

  #resize() {
    if (this.root.clientWidth) this.plot?.setSize({ width: this.root.clientWidth, height: this.root.clientHeight });
  }

  #make(data) {
    const colours = (this.colours = canvasColours());
    const axis = { stroke: colours.text, font: FONT, ticks: { show: false }, grid: { stroke: colours.line, width: 1 } };
    this.plot = new window.uPlot({
      width: this.root.clientWidth,
      height: this.root.clientHeight,
      padding: [8, 8, 0, 0],
      pxAlign: 0,
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false, dist: LEAST_DRAG_PX }, points: { show: false }, bind: { dblclick: () => null } },
      scales: { x: { time: true, range: () => this.range }, y: { range: [0, 10] } },
      axes: [
        { ...axis, size: 24, gap: 4, space: 70, incrs: [60, 120, 300, 600, 900, 1800, 3600], values: (_, splits) => splits.map(minute), grid: { show: false } },
        { ...axis, size: 26, gap: 6, splits: () => [0, 5, 10] },
      ],
      series: [
        {},
        { stroke: colours.mid, width: 1.5, dash: [4, 3], points: { show: false } },
        { stroke: colours.high, width: 2.25, points: { show: false } },
      ],
      hooks: {
        drawClear: [(plot) => this.#drawCorrections(plot)],
        draw: [(plot) => this.#drawOnTop(plot)],
        setSelect: [(plot) => this.#chosen(plot)],
        ready: [(plot) => plot.over.addEventListener("click", () => this.#clicked(plot))],
      },
    }, data, this.root);
  }

  #chosen(plot) {
    const { left, width } = plot.select;
    if (width < LEAST_DRAG_PX) return;
    this.dragged = true;
    this.onStretch(Math.round(plot.posToVal(left, "x")), Math.round(plot.posToVal(left + width, "x")));
  }

  #clicked(plot) {
    if (!this.dragged && plot.cursor.left >= 0) this.onMoment(Math.round(plot.posToVal(plot.cursor.left, "x")));
    this.dragged = false;
  }

  /** Corrections lie under the lines: a bar along the top for engaged, along the bottom for not. */
  #drawCorrections(plot) {
    const { ctx, bbox } = plot;
    const high = 6 * (devicePixelRatio || 1);
    ctx.save();
    for (const { from, until, engaged } of this.corrections) {
      const left = Math.max(plot.valToPos(from, "x", true), bbox.left);
      const right = Math.min(plot.valToPos(until, "x", true), bbox.left + bbox.width);
      if (right <= left) continue;
      ctx.fillStyle = this.colours.band;
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.fillStyle = this.colours.accent;
      ctx.fillRect(left, engaged ? bbox.top : bbox.top + bbox.height - high, right - left, high);
    }
    ctx.restore();
  }

  #drawOnTop(plot) {
    drawMarkers(plot, this.markers, this.range, { colour: this.colours.text, font: FONT });
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio || 1;
    const bottom = bbox.top + bbox.height;
    ctx.save();
    ctx.fillStyle = ctx.strokeStyle = this.colours.text;
    for (const gesture of this.gestures) {
      if (gesture.started_at < this.range[0] || gesture.started_at > this.range[1]) continue;
      const x = plot.valToPos(gesture.started_at, "x", true);
      ctx.beginPath();
      ctx.moveTo(x, bottom - 9 * ratio);
      ctx.lineTo(x + 4 * ratio, bottom - 1 * ratio);
      ctx.lineTo(x - 4 * ratio, bottom - 1 * ratio);
      ctx.fill();
    }
    if (this.moment !== null) {
      const x = Math.round(plot.valToPos(this.moment, "x", true)) + 0.5;
      ctx.lineWidth = 1.5 * ratio;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bottom);
      ctx.stroke();
    }
    ctx.restore();
  }
}

/** Columns for uPlot: null breaks the line, undefined is drawn through. */
function columns(rows, [from, to]) {
  const x = [], score = [], attention = [];
  let last = -Infinity;
  for (let s = from; s <= to; s++) {
    const row = rows.get(s);
    const hole = s - last > HOLE_S ? null : undefined;
    if (row) last = s;
    x.push(s);
    score.push(row ? row.score : hole);
    attention.push(row ? row.attention && row.attention * 10 : hole);
  }
  return [x, attention, score];
}

/** The stretch of time to show: the last `span` seconds, or all of it. */
export const stretch = (start, now, span) => [Math.floor(Math.min(now - SHORTEST_S, Math.max(start, now - span))), Math.floor(now)];
