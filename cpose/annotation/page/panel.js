// The lists and fields around the picture.

import { NAMES } from './cuboid.js';

const element = (id) => document.getElementById(id);

function node(name, className, text = '') {
  const item = document.createElement(name);
  item.className = className;
  item.textContent = text;
  return item;
}

function stateOf(picture) {
  if (picture.error) return 'error';
  if (picture.drafts) return 'draft';
  if (picture.objects) return 'done';
  return picture.is_annotated ? 'empty' : 'new';
}

const STATES = {
  error: 'cannot be used', draft: 'not finished', done: 'annotated', empty: 'no object here',
  new: 'not annotated yet',
};

// Rows are kept, and only those that changed are drawn again: there may be thousands.
const rows = new Map();

export function drawPictures(pictures, currentId, onPick) {
  const list = element('list');
  if (list.children.length !== pictures.length) {
    rows.clear();
    list.replaceChildren(...pictures.map((picture) => {
      const item = node('li', '');
      item.addEventListener('click', () => onPick(picture.id));
      rows.set(picture.id, { item, shown: '' });
      return item;
    }));
  }
  for (const picture of pictures) drawRow(picture, picture.id === currentId);
  list.querySelector('.current')?.scrollIntoView({ block: 'nearest' });
  const done = pictures.filter((item) => ['done', 'empty'].includes(stateOf(item))).length;
  element('progress').textContent = `${done} / ${pictures.length}`;
  element('bar').style.width = `${(100 * done) / pictures.length}%`;
}

function drawRow(picture, isCurrent) {
  const row = rows.get(picture.id);
  const state = stateOf(picture);
  const title = `${picture.path}: ${picture.error || picture.note || STATES[state]}`;
  const shown = `${isCurrent} ${state} ${picture.objects} ${title}`;
  if (row.shown === shown) return;
  row.shown = shown;
  row.item.className = isCurrent ? 'current' : '';
  row.item.title = title;
  const parts = [node('span', `dot ${state}`), node('span', 'path', picture.path)];
  if (picture.objects) parts.push(node('span', 'count', picture.objects));
  row.item.replaceChildren(...parts);
}

export function drawBoxes(boxes, proposals, currentId, onPick) {
  const items = [...boxes, ...proposals].map((box) => {
    const item = node('li', box.id === currentId ? 'current' : '');
    const isProposal = proposals.includes(box);
    item.append(node('span', `dot ${isProposal || !box.solution ? 'draft' : 'done'}`));
    item.append(node('span', 'grow', box.category));
    item.append(node('small', '', isProposal ? `proposed ${Math.round(100 * box.score)} %`
      : box.solution ? sizeText(box.solution.dims) : `${box.corners.filter(Boolean).length} corners`));
    item.addEventListener('click', () => onPick(box.id));
    return item;
  });
  element('boxes').replaceChildren(...items);
}

function sizeText(dims) {
  return dims.map((value) => value.toPrecision(3)).join(' × ');
}

/** Say how well the box fits and what its view leaves open. */
export function tell(box, solution, wh, isVideo, hasLast, isSaving) {
  const place = element('told');
  place.replaceChildren();
  if (!box) return;
  const count = box.corners.filter(Boolean).length;
  if (!solution) {
    const same = count || !hasLast ? '' : ' The same object as before? L takes its sizes.';
    place.textContent = count < 4 ? `${count} of at least 4 corners.${same}`
      : isSaving ? 'The box is placed …' : 'No box has these corners. Drag one that is wrong, or Backspace takes the last one back.';
    return;
  }
  const lines = [];
  if (typeof solution.residual_px === 'number' && (isVideo || !box.soft.every(Boolean))) {
    const isGood = solution.residual_px < Math.max(...wh) / 250;
    const worst = isGood ? '' : typeof solution.suspect === 'number'
      ? `${NAMES[solution.suspect]} is probably wrong: drag it.` : 'Drag the corners that are off.';
    lines.push(node('span', isGood ? 'good' : 'warn', `Off by ${solution.residual_px.toFixed(1)} px. ${worst}`));
  }
  if (solution.is_ambiguous) {
    lines.push(node('span', 'warn', 'Another direction fits as well: place one more corner. '));
  }
  if (solution.undetermined.length) {
    const names = solution.undetermined.join(', ');
    const advice = isVideo ? 'Drag a corner in a frame that looks from elsewhere.'
      : 'Place more corners or type a size.';
    lines.push(node('span', 'warn', `This view leaves open: ${names}. ${advice}`));
  }
  place.append(...lines);
}

const wasTyped = (input) => document.activeElement === input;

function fill(id, value) {
  const input = element(id);
  if (!wasTyped(input)) {
    input.value = value;
    input.classList.remove('wrong');
  }
}

export function fillBox(box) {
  element('details').hidden = !box;
  if (!box) return;
  fill('category', box.category);
  box.sizes.forEach((size, axis) => {
    fill(`size-${axis}`, size ?? '');
    const dims = box.solution?.dims;
    element(`size-${axis}`).placeholder = dims ? dims[axis].toPrecision(3) : 'open';
  });
  element('upright').checked = box.upright;
  fill('symmetric', box.symmetric === null ? '' : String(box.symmetric));
  fill('visibility', Math.round(100 * box.visibility));
}

const SOURCES = {
  estimated: 'estimated from the boxes', typed: 'typed', exif: 'EXIF focal length',
  file: 'camera file', annotation: 'as annotated', picture: 'as in the last picture',
};

export function fillCamera(camera, known, hasLast) {
  const names = [...new Set([...Object.keys(known), camera.source, 'typed',
    ...(hasLast ? ['picture'] : [])])];
  element('source').replaceChildren(...names.map((name) => new Option(SOURCES[name], name)));
  element('source').value = camera.source;
  for (const name of ['fx', 'fy', 'cx', 'cy']) fill(name, Number(camera[name].toFixed(2)));
}

/** Return the number of a field, null if it is empty; NaN, and a red frame, if it is none. */
export function numberOf(id, { above = -Infinity, most = Infinity } = {}) {
  const input = element(id);
  const text = input.value.trim().replace(',', '.');
  const value = text === '' ? null : Number(text);
  const isWrong = value !== null && !(value > above && value <= most);
  input.classList.toggle('wrong', isWrong);
  return isWrong ? NaN : value;
}

export function setCategories(names) {
  element('categories').replaceChildren(...names.map((name) => new Option(name)));
}

let hiding = 0;

export function toast(text) {
  const place = element('toast');
  place.textContent = text;
  place.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { place.hidden = true; }, 6000);
}
