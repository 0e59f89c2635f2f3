// The class band: mean with its quartiles over the last ten minutes, and the teacher's markers. Drawn by uPlot.

import { canvasColours } from "./spark.js";
import { clock, minute, number } from "./words.js";

const SHORTEST_S = 120;
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

  /** Show columns over [from, to]; `rows` answers what the pointer asks. */
  show(columns, [from, to], rows, students, markers) {
    Object.assign(this, { columns, rows, students, markers });
    this.range = [from, to];
    if (!this.plot) this.#make(columns);
    else this.plot.setData(columns, true);
  }

  /** Take the colours of the theme in force. */
  recolour() {
    this.colours = canvasColours();
    this.plot?.destroy();
    this.plot = null;
    if (this.columns) this.#make(this.columns);
  }

  #resize() {
    this.plot?.setSize({ width: this.root.clientWidth, height: this.root.clientHeight });
  }

  #make(columns) {
    const { colours } = this;
    const font = `12px system-ui, "DejaVu Sans", sans-serif`;
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
        { ...axis, size: 24, gap: 4, space: 80, incrs: [60, 120, 300, 600, 900, 1800, 3600], values: (_, splits) => splits.map(minute), grid: { show: false } },
        { ...axis, size: 26, gap: 6, splits: () => [0, 5, 10] },
      ],
      series: [
        {},
        { stroke: "transparent", width: 0, points: { show: false } },
        { stroke: "transparent", width: 0, points: { show: false } },
        { stroke: colours.high, width: 2.25, points: { show: false } },
      ],
      bands: [{ series: [2, 1], fill: colours.band }],
      hooks: { draw: [(plot) => this.#drawMarkers(plot)], setCursor: [(plot) => this.#tell(plot.cursor.idx)] },
    };
    this.plot = new window.uPlot(options, columns, this.root);
  }

  #drawMarkers(plot) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio || 1;
    ctx.save();
    ctx.strokeStyle = this.colours.text;
    ctx.fillStyle = this.colours.text;
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.font = `${12 * ratio}px system-ui, "DejaVu Sans", sans-serif`;
    ctx.textBaseline = "top";
    for (const marker of this.markers) {
      if (marker.at < this.range[0] || marker.at > this.range[1]) continue;
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

  #tell(index) {
    const second = index == null ? null : this.columns?.[0][index];
    const row = second == null ? null : this.rows.get(second);
    this.readout.textContent = second == null ? ""
      : row?.mean == null ? `${clock(second)}  no data`
      : `${clock(second)}  mean ${number(row.mean)}, middle half ${number(row.low)}–${number(row.high)}, ${row.scored} of ${row.students ?? this.students}`;
  }
}

/** The stretch of time to show: it grows from two minutes to ten. */
export const stretch = (start, now) => [Math.round(Math.max(now - LONGEST_S, Math.min(start, now - SHORTEST_S))), Math.round(now)];
