// A two-minute line on a small canvas. Drawn only when its numbers changed.

export const SPAN_S = 120;

export class Spark {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.width = 0;
    this.height = 0;
  }

  resize(width, height) {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    if (this.width === width && this.height === height && this.ratio === ratio) return false;
    Object.assign(this, { width, height, ratio });
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    return true;
  }

  draw(points, now, colours) {
    const { context, width, height, ratio } = this;
    if (!width) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const x = (second) => ((second - now + SPAN_S) / SPAN_S) * (width - 4) + 1;
    const y = (score) => height - 3 - (score / 10) * (height - 6);

    context.strokeStyle = colours.line;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, height - 0.5);
    context.lineTo(width, height - 0.5);
    context.stroke();

    context.strokeStyle = colours.mid;
    context.lineWidth = 1.75;
    context.lineJoin = "round";
    context.beginPath();
    let open = false;
    let end = null;
    for (const [second, score] of points) {
      if (score === null) { open = false; continue; }
      if (open) context.lineTo(x(second), y(score)); else context.moveTo(x(second), y(score));
      open = true;
      end = [second, score];
    }
    context.stroke();
    if (end && now - end[0] < 5) {
      context.fillStyle = colours.mid;
      context.beginPath();
      context.arc(x(end[0]), y(end[1]), 2.5, 0, 7);
      context.fill();
    }
  }
}

/** The colours of the theme in force, for canvases. */
export function canvasColours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--canvas-${name}`).trim();
  return { low: read("low"), mid: read("mid"), high: read("high"), band: read("band"), line: read("line"), text: read("text"), accent: read("accent") };
}
