// The small picture of a box that shows which corner is next.

import { EDGES, FRONT, NAMES, SIGNS, order } from './cuboid.js';

const SVG = 'http://www.w3.org/2000/svg';

/** Return where a corner stands in the small picture, seen from the front and its right or left. */
function place([x, y, z], side) {
  return [110 + 52 * x + side * -26 * z, 86 - 44 * y + 20 * z];
}

function add(parent, name, attributes, text = '') {
  const item = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) item.setAttribute(key, value);
  item.textContent = text;
  parent.append(item);
  return item;
}

/** Draw the guide.
 * @param corners Placed corners. @param next Corner to place, or null.
 * @param onPick Called with the corner that is clicked in the guide. */
export function drawGuide(svg, corners, next, onPick) {
  const asked = order(corners);
  const side = asked[2] === 4 ? 1 : -1;
  const points = SIGNS.map((signs) => place(signs, side));
  svg.replaceChildren();
  add(svg, 'polygon', { class: 'front', points: FRONT.map((k) => points[k]).join(' ') });
  for (const [a, b] of EDGES) {
    const isHidden = !asked.includes(a) || !asked.includes(b);
    const [[x1, y1], [x2, y2]] = [points[a], points[b]];
    add(svg, 'line', { x1, y1, x2, y2, class: isHidden ? 'hidden-edge' : '' });
  }
  const [fx, fy] = [0, 1].map((i) => FRONT.reduce((sum, k) => sum + points[k][i], 0) / 4);
  add(svg, 'text', { x: fx - 14 * side, y: fy + 24 }, 'front');
  points.forEach(([cx, cy], k) => {
    const state = k === next ? 'next' : corners[k] ? 'placed' : '';
    const dot = add(svg, 'circle', { cx, cy, r: k === next ? 7 : 5, class: state });
    add(dot, 'title', {}, NAMES[k]);
    dot.addEventListener('click', () => onPick(k));
  });
}
