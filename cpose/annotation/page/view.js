// Two canvases: the photograph, drawn when it moves, and above it the boxes, drawn at any time.

import { EDGES, FRONT, NAMES } from './cuboid.js';

const COLORS = { box: '#4cc2ff', other: '#9fb3c8', proposal: '#f2b84b', placed: '#ffffff' };
const RADIUS = 5;

export class View {
  constructor(photo, overlay) {
    this.photo = photo;
    this.overlay = overlay;
    this.image = null;
    this.scale = 1;
    this.offset = [0, 0];
    new ResizeObserver(() => this.#resize()).observe(overlay);
  }

  show(image, wh) {
    this.image = image;
    this.wh = wh;
    this.#resize();
    this.fit();
  }

  fit() {
    const [w, h] = this.wh || [1, 1];
    const { width, height } = this.overlay;
    this.scale = Math.min(width / w, height / h) * 0.96;
    this.offset = [(width - w * this.scale) / 2, (height - h * this.scale) / 2];
    this.drawPhoto();
  }

  zoom(factor, [x, y]) {
    const least = 0.5 * Math.min(this.overlay.width / this.wh[0], this.overlay.height / this.wh[1]);
    const scale = Math.min(Math.max(this.scale * factor, least), 40);
    const ratio = scale / this.scale;
    this.offset = [x - (x - this.offset[0]) * ratio, y - (y - this.offset[1]) * ratio];
    this.scale = scale;
    this.drawPhoto();
  }

  move(dx, dy) {
    this.offset = [this.offset[0] + dx, this.offset[1] + dy];
    this.drawPhoto();
  }

  /** Return canvas pixels of a mouse event. */
  canvasPoint(event) {
    const box = this.overlay.getBoundingClientRect();
    const ratio = this.overlay.width / box.width;
    return [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
  }

  toImage([x, y]) {
    // A pixel's centre has whole coordinates, as in OpenCV.
    return [(x - this.offset[0]) / this.scale - 0.5, (y - this.offset[1]) / this.scale - 0.5];
  }

  toCanvas([u, v]) {
    return [(u + 0.5) * this.scale + this.offset[0], (v + 0.5) * this.scale + this.offset[1]];
  }

  get ratio() { return this.overlay.width / this.overlay.getBoundingClientRect().width; }

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    const box = this.overlay.getBoundingClientRect();
    for (const canvas of [this.photo, this.overlay]) {
      canvas.width = Math.max(1, Math.round(box.width * ratio));
      canvas.height = Math.max(1, Math.round(box.height * ratio));
    }
    if (this.image) this.fit();
    this.onResize?.();
  }

  drawPhoto() {
    const context = this.photo.getContext('2d');
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.photo.width, this.photo.height);
    if (!this.image) return;
    context.imageSmoothingEnabled = this.scale < 3;
    context.setTransform(this.scale, 0, 0, this.scale, ...this.offset);
    context.drawImage(this.image, 0, 0, ...this.wh);
  }

  /** @param boxes Of {solution, corners, isCurrent, isProposal}; @param cursor {point, corner} or null. */
  draw(boxes, cursor) {
    const context = this.overlay.getContext('2d');
    context.clearRect(0, 0, this.overlay.width, this.overlay.height);
    for (const box of boxes) this.#drawBox(context, box);
    if (cursor) this.#drawCursor(context, cursor);
  }

  #drawBox(context, { solution, corners, soft, isCurrent, isProposal }) {
    const color = isProposal ? COLORS.proposal : isCurrent ? COLORS.box : COLORS.other;
    const points = solution && solution.keypoints.slice(1).map((point) => this.toCanvas(point));
    if (points) {
      this.#fill(context, FRONT.map((k) => points[k]), `${color}2e`);
      context.strokeStyle = color;
      context.lineWidth = (isCurrent ? 2 : 1.3) * this.ratio;
      context.setLineDash(isProposal ? [7 * this.ratio, 5 * this.ratio] : []);
      context.beginPath();
      for (const [a, b] of EDGES) {
        context.moveTo(...points[a]);
        context.lineTo(...points[b]);
      }
      context.stroke();
      context.setLineDash([]);
    }
    if (!isCurrent) return;
    for (let k = 0; k < 8; k += 1) {
      if (points) this.#dot(context, points[k], color, false);
      if (corners[k] && !soft[k]) this.#dot(context, this.toCanvas(corners[k]), COLORS.placed, true);
    }
  }

  #fill(context, points, color) {
    context.fillStyle = color;
    context.beginPath();
    points.forEach((point, k) => context[k ? 'lineTo' : 'moveTo'](...point));
    context.fill();
  }

  #dot(context, [x, y], color, isPlaced) {
    context.beginPath();
    context.arc(x, y, (isPlaced ? 3 : RADIUS) * this.ratio, 0, 2 * Math.PI);
    context.fillStyle = color;
    context.strokeStyle = isPlaced ? '#0e1116' : color;
    context.lineWidth = 1.5 * this.ratio;
    if (isPlaced) context.fill();
    context.stroke();
  }

  #drawCursor(context, { point, corner }) {
    context.font = `${12 * this.ratio}px system-ui, sans-serif`;
    const text = NAMES[corner];
    const width = context.measureText(text).width;
    const [right, y] = this.toCanvas(point);
    const isNearEdge = right + width + 30 * this.ratio > this.overlay.width;
    const x = isNearEdge ? right - width - 36 * this.ratio : right;
    context.fillStyle = 'rgb(14 17 22 / .8)';
    context.fillRect(x + 12 * this.ratio, y + 10 * this.ratio, width + 12 * this.ratio, 20 * this.ratio);
    context.fillStyle = '#f2b84b';
    context.fillText(text, x + 18 * this.ratio, y + 24 * this.ratio);
  }
}
