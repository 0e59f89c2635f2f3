// The class band: mean with its quartiles over the last ten minutes, and the teacher's markers. Drawn by uPlot.

import { t } from "../words.js";
import { columns } from "./memory.js";
import { canvasColours } from "./spark.js";
import { clock, minute, number } from "./words.js";

const SHORTEST_S = 120;
const DESCRIBE_EVERY_S = 10;
export const LONGEST_S = 600;

export class Band {
  constructor(root, readout) {
    this.root = root;
    this.readout = readout;
    this.markers = [];
    this.range = [0, SHORTEST_S];
    this.rows = new Map();
    this.students = 0;
    this.colours = canvasColours();
    this.plot = null;
    new ResizeObserver(() => this.#resize()).observe(root);
  }

  /** Show the rows of [from, to] that rest on at least `least` scores, and the markers. */
  show(rows, [from, to], { students, markers, least = 1 }) {
    this.columns = columns(rows, from, to, least);
    Object.assign(this, { rows, students, markers, least, range: [from, to] });
    if (!this.plot) this.#make(this.columns);
    else this.plot.setData(this.columns, true);
  }

  /** Say in words what is drawn, every ten seconds at most. */
  describe(now) {
    if (now - (this.describedAt ?? -Infinity) < DESCRIBE_EVERY_S) return;
    const [x, , , mean] = this.columns;
    const means = mean.filter((value) => value !== null);
    if (!means.length) return;
    this.describedAt = now;
    const low = means.reduce((a, b) => Math.min(a, b)), high = means.reduce((a, b) => Math.max(a, b));
    const text = t("Class mean from {from} to {until}: between {low} and {high}.", { from: minute(x[0]), until: minute(x.at(-1)), low: number(low), high: number(high) });
    const notes = this.markers.filter(({ at }) => at >= x[0]).map((marker) => `${minute(marker.at)} ${marker.text}`);
    this.root.setAttribute("aria-label", notes.length ? `${text} ${t("Markers: {notes}.", { notes: notes.join(", ") })}` : text);
  }

  /** Take the colours and the size in force. */
  recolour() {
    this.colours = canvasColours();
    this.plot?.destroy();
    this.plot = null;
    if (this.columns) this.#make(this.columns);
  }

  #resize() {
    this.plot?.setSize({ width: this.root.clientWidth, height: this.root.clientHeight });
  }

  #make(data) {
    const { colours } = this;
    const px = parseFloat(getComputedStyle(this.root).fontSize); // larger on a wall
    const font = `${px}px system-ui, "DejaVu Sans", sans-serif`;
    const axis = { stroke: colours.text, font, ticks: { show: false }, grid: { stroke: colours.line, width: 1 } };
    const options = {
      width: this.root.clientWidth,
      height: this.root.clientHeight,
      padding: [8, 18, 0, 0],
      pxAlign: 0,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: true, range: () => this.range }, y: { range: [0, 10] } },
      axes: [
        { ...axis, size: 2 * px, gap: 4, space: 6.5 * px, incrs: [60, 120, 300, 600, 900, 1800, 3600], values: (_, splits) => splits.map(minute), grid: { show: false } },
        { ...axis, size: 14 + px, gap: 6, splits: () => [0, 5, 10] },
      ],
      series: [
        {},
        { stroke: "transparent", width: 0, points: { show: false } },
        { stroke: "transparent", width: 0, points: { show: false } },
        { stroke: colours.high, width: 2.25, points: { show: false } },
      ],
      bands: [{ series: [2, 1], fill: colours.band }],
      hooks: { draw: [(plot) => drawMarkers(plot, this.markers, this.range, { colour: this.colours.text, font })], setCursor: [(plot) => this.#tell(plot.cursor.idx)] },
    };
    this.plot = new window.uPlot(options, data, this.root);
  }

  #tell(index) {
    const second = index == null ? null : this.columns?.[0][index];
    const row = second == null ? null : this.rows.get(second);
    this.readout.textContent = second == null ? "" : `${clock(second)}  ${row?.mean == null || row.scored < this.least ? t("no data") : this.#words(row)}`;
  }

  #words(row) {
    return t("mean {mean}, middle half {low}–{high}, {scored} of {total}", {
      mean: number(row.mean), low: number(row.low), high: number(row.high), scored: row.scored, total: row.students ?? this.students,
    });
  }
}

/** The stretch of time to show: it grows from two minutes to ten. */
export const stretch = (start, now) => [Math.round(Math.max(now - LONGEST_S, Math.min(start, now - SHORTEST_S))), Math.round(now)];

/** Draw the teacher's notes on a chart: dashed lines, each with its words. */
export function drawMarkers(plot, markers, [from, to], { colour, font }) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = ratio;
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  ctx.font = font.replace(/^[\d.]+/, (px) => px * ratio);
  ctx.textBaseline = "top";
  for (const marker of markers) {
    if (marker.at < from || marker.at > to) continue;
    const x = Math.round(plot.valToPos(marker.at, "x", true)) + 0.5;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const right = x + ctx.measureText(marker.text).width + 6 * ratio < bbox.left + bbox.width;
    ctx.textAlign = right ? "left" : "right";
    ctx.fillText(marker.text, x + (right ? 4 : -4) * ratio, bbox.top + 2 * ratio);
  }
  ctx.restore();
}
