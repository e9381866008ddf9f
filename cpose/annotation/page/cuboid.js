// The cuboid: corner numbers 0 to 7 run x, then y, then z, each from − to +.
// +y is up, +z the front, +x by the right hand of who looks at the front.

export const SIGNS = [...Array(8).keys()].map((k) => [k & 4, k & 2, k & 1].map((b) => (b ? 1 : -1)));

export const EDGES = [];
for (let a = 0; a < 8; a += 1) {
  for (const bit of [1, 2, 4]) if (!(a & bit)) EDGES.push([a, a | bit]);
}

export const FRONT = [1, 5, 7, 3];
export const TOP = [3, 7, 6, 2];

export const NAMES = SIGNS.map(([x, y, z]) =>
  [z > 0 ? 'front' : 'back', y > 0 ? 'top' : 'bottom', x > 0 ? 'right' : 'left'].join(' '));

// The visible edge of the base first, then the top: four corners that are not on one face.
const RIGHT_SIDE = [1, 5, 4, 7, 3, 6, 2];
const LEFT_SIDE = [1, 5, 0, 3, 7, 2, 6];

/** Return the corners in the order in which they are asked for. */
export function order(corners) {
  const isLeft = corners[0] && !corners[4];
  return isLeft ? LEFT_SIDE : RIGHT_SIDE;
}

/** Return the corner to place next, null if all visible ones are. */
export function nextCorner(corners, skipped) {
  const found = order(corners).find((k) => !corners[k] && !skipped.has(k));
  return found === undefined ? null : found;
}

/** Return the corner that a click means: with the left side in view the third one is at the back left. */
export function meantCorner(corners, wanted, point) {
  const isThird = wanted === 4 && corners[1] && corners[5] && !corners[0];
  if (!isThird) return wanted;
  const [left, right] = [corners[1], corners[5]];
  const along = [right[0] - left[0], right[1] - left[1]];
  const part = ((point[0] - left[0]) * along[0] + (point[1] - left[1]) * along[1])
    / (along[0] ** 2 + along[1] ** 2);
  return part < 0.5 ? 0 : 4;
}

/** Turn the labelling by a quarter about the vertical: what was the right side becomes the front. */
export function turned(box) {
  const from = SIGNS.map(([x, y, z]) => numberOf(z, y, -x));
  const [width, height, depth] = box.sizes;
  return {
    ...box,
    corners: from.map((k) => box.corners[k]),
    soft: from.map((k) => box.soft[k]),
    sizes: [depth, height, width],
  };
}

function numberOf(x, y, z) {
  return (x > 0 ? 4 : 0) + (y > 0 ? 2 : 0) + (z > 0 ? 1 : 0);
}
