// The page: which picture is open, and what mouse, keys and fields do.

import * as api from './api.js';
import { NAMES, meantCorner, nextCorner, turned } from './cuboid.js';
import { drawGuide } from './guide.js';
import * as panel from './panel.js';
import { OpenPicture } from './state.js';
import { View } from './view.js';

const element = (id) => document.getElementById(id);
const GRAB = 11;
const STILL = 3;

const view = new View(element('photo'), element('overlay'));
const solver = new api.LiveSolver();
const images = new Map();
let folder = null;
let open = null;
let openId = null;
let selected = null;
let proposals = [];
let skipped = new Set();
let wanted = null;
let picked = null;
let pending = null;
let live = null;
let cursor = null;
let drag = null;
let frame = 0;
let movedAt = null;
let afterDrawing = null;
let isFollowing = false;
let isSpaceDown = false;
let isOpening = false;
let last = { category: 'object', symmetric: null, upright: true, dims: null, camera: null };

const current = () => open?.objects.find((box) => box.id === selected) || null;
// An accepted proposal is offered again when its box is undone.
const offered = () => proposals.filter((box) => !open?.objects.some((item) => item.id === box.acceptedAs));
const proposal = () => offered().find((box) => box.id === selected) || null;
const newId = () => crypto.getRandomValues(new Uint32Array(2)).reduce((s, n) => s + n.toString(36), 'b');

// A name may hold bytes that are no text: they arrive as halves of pairs, which no address can hold.
const hashOf = (entry) => `#${encodeURIComponent(entry.path.replace(/\p{Surrogate}/gu, '\ufffd'))}`;

async function start() {
  folder = await api.listPictures();
  document.title = `${folder.folder} · cpose annotate`;
  element('folder').textContent = folder.folder;
  if (folder.categories.length) last.category = folder.categories[0];
  panel.setCategories(folder.categories);
  document.body.classList.toggle('video', folder.is_video);
  if (folder.is_video) element('empty').textContent = 'Leave this frame out';
  document.body.classList.toggle('read-only', folder.is_read_only);
  for (const id of ['details', 'camera']) element(id).inert = folder.is_read_only;
  const named = folder.pictures.find((item) => hashOf(item) === location.hash);
  const fresh = folder.pictures.find((item) => !item.is_annotated && !item.error);
  await show((named || fresh || folder.pictures[0]).id);
}

function image(id) {
  if (!images.has(id)) {
    const loaded = new Image();
    loaded.src = api.imageAddress(id);
    images.set(id, loaded.decode().then(() => loaded));
    if (images.size > 4) images.delete(images.keys().next().value);
  }
  return images.get(id);
}

async function show(id) {
  await open?.settled();
  remember();
  solver.cancel();
  const entry = folder.pictures.find((item) => item.id === id);
  history.replaceState(null, '', hashOf(entry));
  element('name').textContent = entry.path;
  openId = id;
  open = null;
  isOpening = true;
  proposals = [];
  select(null);
  let loaded = null;
  try {
    const [document_, picture] = await Promise.all([api.readPicture(id), image(id)]);
    if (id !== openId) return;
    loaded = picture;
    open = new OpenPicture(document_, onSaved);
  } catch (error) {
    images.delete(id);
    entry.error = error.message;
    panel.toast(error.message);
  }
  isOpening = false;
  view.show(loaded, open?.image_wh || [1, 1]);
  panel.drawPictures(folder.pictures, id, show);
  if (open) begin();
  refresh();
  if (open && folder.has_model) await propose(id);
  const next = neighbour(1);
  if (next) image(next.id).catch(() => images.delete(next.id));
}

function begin() {
  const draft = open.objects.find((box) => !box.solution);
  if (draft) select(draft.id);
  else if (open.objects.length) select(open.objects[0].id);
  else if (!open.is_annotated && !folder.has_model) addBox();
}

async function propose(id) {
  element('hint').textContent = 'The model looks at the picture …';
  try {
    const found = (await api.readProposals(id)).proposals;
    if (open?.id !== id) return;
    proposals = open.objects.length ? [] : found;
    if (proposals.length) select(proposals[0].id);
    else if (!open.objects.length && !open.is_annotated) addBox();
  } catch (error) {
    panel.toast(error.message);
  }
  refresh();
}

function remember() {
  const box = open?.objects.find((item) => item.id === selected && item.solution)
    || open?.objects.findLast?.((item) => item.solution);
  if (!box) return;
  const { category, symmetric, upright } = box;
  last = { category, symmetric, upright, dims: box.solution.dims, camera: open.camera };
}

function onSaved(what, text) {
  if (what === 'saved' && !cursor && !drag) live = null;
  const place = element('saved');
  place.textContent = { saving: 'saving …', saved: 'saved', failed: 'not saved' }[what] ?? '';
  place.classList.toggle('bad', what === 'failed');
  if (what === 'failed') panel.toast(text);
  if (what === 'conflict') {
    panel.toast(`${text} It was read again; Redo brings back what you did here.`);
    select(null);
  }
  const entry = folder.pictures.find((item) => item.id === open.id);
  Object.assign(entry, {
    objects: open.objects.filter((box) => box.solution).length,
    drafts: open.objects.filter((box) => !box.solution && box.corners.some(Boolean)).length,
    is_annotated: open.is_annotated || open.isEmpty,
  });
  panel.drawPictures(folder.pictures, open.id, show);
  if (folder.is_video && what === 'saved') followFrames();
  refresh();
}

/** Show how far the frames are that follow a change in one of them. */
async function followFrames() {
  if (isFollowing) return;
  isFollowing = true;
  try {
    do {
      Object.assign(folder, await api.listPictures());
      if (open) panel.drawPictures(folder.pictures, open.id, show);
      if (folder.is_writing) await new Promise((resolve) => { setTimeout(resolve, 500); });
    } while (folder.is_writing);
    if (open && !drag) await open.reload();
    refresh();
  } catch (error) {
    panel.toast(error.message);
  } finally {
    isFollowing = false;
  }
}

function select(id) {
  selected = id;
  skipped = new Set();
  picked = null;
  live = null;
  refresh();
}

/** Begin a box; it is in the list, and saved, from its first corner on. */
function addBox() {
  if (folder.is_read_only) return;
  const { category, symmetric, upright } = last;
  pending = {
    id: newId(), category, symmetric, upright, corners: Array(8).fill(null),
    soft: Array(8).fill(false), sizes: [null, null, null], visibility: 1, source: 'clicked',
    solution: null,
  };
  select(pending.id);
}

const edited = () => current() || (pending?.id === selected ? pending : null);

function changeBox(changes) {
  const box = edited();
  if (!box) return;
  const changed = { ...box, ...changes, solution: changes.solution ?? (live || box.solution) };
  if (!current() && !changed.corners.some(Boolean)) {
    pending = { ...changed, solution: null };
    refresh();
    return;
  }
  const objects = current() ? open.objects.map((item) => (item.id === box.id ? changed : item))
    : [...open.objects, changed];
  pending = null;
  open.change({ objects });
}

function placeCorner(point) {
  const box = edited();
  const corner = picked ?? meantCorner(box.corners, wanted, point);
  const [corners, soft] = [[...box.corners], [...box.soft]];
  corners[corner] = point;
  soft[corner] = false;
  picked = null;
  cursor = null;
  changeBox({ corners, soft });
}

function takeBack() {
  const box = current();
  if (!box) return;
  const [corners, soft] = [[...box.corners], [...box.soft]];
  const placed = corners.map((point, k) => (point && !soft[k] ? k : -1)).filter((k) => k >= 0);
  if (!placed.length) return;
  corners[lastPlaced(placed, box)] = null;
  live = null;
  if (corners.some(Boolean)) changeBox({ corners, soft });
  else removeBox();
}

function lastPlaced(placed, box) {
  const sequence = box.corners[0] && !box.corners[4] ? [1, 5, 0, 3, 7, 2, 6, 4] : [1, 5, 4, 7, 3, 6, 2, 0];
  return sequence.filter((k) => placed.includes(k)).at(-1);
}

function removeBox() {
  if (proposal()) {
    proposals = proposals.filter((box) => box.id !== selected);
    select(offered()[0]?.id ?? null);
    return;
  }
  if (!current()) return;
  open.change({ objects: open.objects.filter((box) => box.id !== selected) });
  select(null);
}

function accept() {
  const { score, acceptedAs, ...box } = proposal();
  const isOffered = !folder.categories.length || folder.categories.includes(box.category);
  const category = isOffered ? box.category : last.category;
  const accepted = { ...box, id: newId(), category };
  proposals = proposals.map((item) => (item.id === box.id ? { ...item, acceptedAs: accepted.id } : item));
  open.change({ objects: [...open.objects, accepted] });
  select(offered()[0]?.id ?? accepted.id);
}

function turn() {
  if (proposal()) {
    proposals = proposals.map((box) => (box.id === selected ? turnedSolved(box) : box));
    refresh();
  } else if (edited()) {
    live = null;
    const { solution, ...box } = turnedSolved(edited());
    changeBox({ ...box, solution });
  }
}

function turnedSolved(box) {
  const points = box.solution?.keypoints;
  const around = turned({ ...box, corners: points ? points.slice(1) : box.corners });
  const result = turned(box);
  if (!points) return result;
  const [w, h, d] = box.solution.dims;
  const solution = {
    ...box.solution, keypoints: [points[0], ...around.corners], dims: [d, h, w], state: null,
  };
  return { ...result, solution };
}

function likeLast() {
  if (last.dims && edited()) changeBox({ sizes: last.dims, category: last.category });
}

function neighbour(step) {
  const at = folder.pictures.findIndex((item) => item.id === openId);
  const last = folder.pictures.length - 1;
  const wanted = Math.abs(step) > 1 ? Math.min(Math.max(at + step, 0), last) : at + step;
  return folder.pictures[wanted];
}

function go(step) {
  const next = neighbour(step);
  tellDraft();
  if (next) show(next.id);
  else if (step > 0) tellEnd();
}

/** Solve for corners that are not saved yet. */
function solveLive(corners, soft) {
  const box = edited();
  if (corners.filter(Boolean).length < 4) {
    live = null;
    movedAt = null;
    return;
  }
  movedAt ??= performance.now();
  const others = open.objects.filter((item) => item.id !== box.id && item.solution);
  const { solution: before, ...saying } = box;
  const [width, height] = open.image_wh;
  const upright = others.find((item) => item.upright && item.solution.up);
  solver.ask(open.id, {
    width, height, box: { ...saying, corners, soft },
    camera: { ...open.camera, source: 'typed' },
    is_focal_free: open.camera.source === 'estimated' && !others.length,
    up: upright ? upright.solution.up : null,
    start: (live || before)?.state || null,
  }, (solution) => {
    if (selected !== box.id || !(cursor || drag)) return;
    live = solution;
    draw(measure);
  });
}

/** Note how long it took from the move of the mouse to the redrawn box. */
function measure() {
  if (movedAt === null) return;
  performance.measure('redraw', { start: movedAt, end: performance.now() });
  movedAt = null;
}

function onMove(event) {
  const at = view.canvasPoint(event);
  if (drag?.pan) {
    view.move(at[0] - drag.pan[0], at[1] - drag.pan[1]);
    drag.pan = at;
    draw();
    return;
  }
  const box = edited();
  if (!open || !box) return;
  const point = view.toImage(at);
  if (drag) {
    if (!isClick(at)) moveDragged(point);
  } else if (wanted !== null) {
    const corner = picked ?? meantCorner(box.corners, wanted, point);
    cursor = { point, corner };
    const [corners, soft] = [[...box.corners], [...box.soft]];
    corners[corner] = point;
    soft[corner] = false;
    solveLive(corners, soft);
  }
  draw();
}

// While a corner is wanted, a click may meet one that the box shows already.
function isClick(at) {
  if (drag.hasMoved || drag.isPlaced || wanted === null) return false;
  return Math.hypot(at[0] - drag.at[0], at[1] - drag.at[1]) <= STILL * view.ratio;
}

function moveDragged(point) {
  const box = edited();
  const [dx, dy] = [point[0] - drag.from[0], point[1] - drag.from[1]];
  drag.corners = drag.start.map((corner, k) =>
    (corner && (drag.corner === null || drag.corner === k) ? [corner[0] + dx, corner[1] + dy] : corner));
  drag.soft = box.soft.map((isSoft, k) => (k === drag.corner ? false : isSoft));
  drag.hasMoved = true;
  solveLive(drag.corners, drag.soft);
}

function cornerAt(at) {
  const box = current();
  if (!box) return null;
  const shown = (k) => (box.corners[k] && !box.soft[k] ? box.corners[k] : box.solution?.keypoints[k + 1]);
  for (let k = 0; k < 8; k += 1) {
    const point = shown(k) && view.toCanvas(shown(k));
    if (point && Math.hypot(point[0] - at[0], point[1] - at[1]) < GRAB * view.ratio) return [k, shown(k)];
  }
  return null;
}

function onDown(event) {
  element('overlay').focus();
  const at = view.canvasPoint(event);
  if (event.button !== 0 || isSpaceDown) {
    drag = { pan: at };
    return;
  }
  if (folder.is_read_only) {
    pickBox(at);
    return;
  }
  const box = current();
  const grabbed = event.shiftKey ? null : cornerAt(at);
  if (box && (grabbed || event.shiftKey)) {
    const start = [...box.corners];
    if (grabbed) [, start[grabbed[0]]] = grabbed;
    const corner = grabbed ? grabbed[0] : null;
    const isPlaced = corner === null || (box.corners[corner] && !box.soft[corner]);
    drag = { at, from: view.toImage(at), start, corner, isPlaced, corners: start, soft: box.soft, hasMoved: false };
    return;
  }
  if (edited() && wanted !== null) placeCorner(view.toImage(at));
  else pickBox(at);
}

function pickBox(at) {
  const boxes = [...(open?.objects || []), ...offered()].filter((box) => box.solution);
  const near = boxes
    .map((box) => [box.id, view.toCanvas(box.solution.keypoints[0])])
    .map(([id, [x, y]]) => [id, Math.hypot(x - at[0], y - at[1])])
    .sort((a, b) => a[1] - b[1])[0];
  if (near && near[1] < 120 * view.ratio) select(near[0]);
}

function onUp() {
  const done = drag;
  drag = null;
  if (!done || done.pan) return;
  if (!done.hasMoved) {
    if (!done.isPlaced && edited() && wanted !== null) placeCorner(done.from);
    return;
  }
  changeBox({ corners: done.corners, soft: done.soft });
  live = null;
}

function draw(onDrawn) {
  if (onDrawn) afterDrawing = onDrawn;
  if (frame) return;
  frame = requestAnimationFrame(() => {
    frame = 0;
    if (!open) {
      view.draw([], null);
      return;
    }
    const boxes = open.objects.map((box) => ({ ...box, isCurrent: box.id === selected }));
    if (pending?.id === selected) boxes.push({ ...pending, isCurrent: true });
    const shown = boxes.map((box) => (box.isCurrent && (live || drag?.corners) ? {
      ...box, solution: live || box.solution, corners: drag?.corners || box.corners,
    } : box));
    const others = offered().map((box) =>
      ({ ...box, isProposal: true, isCurrent: box.id === selected }));
    view.draw([...shown, ...others], drag ? null : cursor);
    const box = edited();
    const solution = live || (box || proposal())?.solution;
    panel.tell(box || proposal(), solution, open.image_wh, folder.is_video, Boolean(last.dims), open.isSaving);
    afterDrawing?.();
    afterDrawing = null;
  });
}

function refresh() {
  if (!folder) return;
  const box = edited();
  wanted = folder.is_read_only ? null : picked ?? (box && !box.soft.some(Boolean) ? nextCorner(box.corners, skipped) : null);
  if (wanted === null) cursor = null;
  const corners = (box || proposal())?.corners || Array(8).fill(null);
  drawGuide(element('guide'), corners, wanted, (k) => { picked = k; refresh(); });
  element('guide-title').textContent = wanted === null ? 'Corners' : `Next: ${NAMES[wanted]}`;
  const hint = whatNext(box);
  element('hint').textContent = hint;
  panel.drawBoxes(open?.objects || [], offered(), selected, select);
  panel.fillBox(box);
  if (open) panel.fillCamera(open.camera, open.cameras, Boolean(last.camera));
  element('undo').disabled = !open?.canUndo;
  element('redo').disabled = !open?.canRedo;
  element('same').disabled = !last.dims;
  element('empty').classList.toggle('on', Boolean(open?.isEmpty));
  draw();
}

/** Say what to do next, below the picture. */
function whatNext(box) {
  if (!open) return isOpening ? 'Opening the picture …' : '';
  if (folder.is_read_only) return open.is_annotated ? '← → other pictures · wheel zooms' : 'Not annotated';
  if (proposal()) return 'Enter accepts the proposal · R turns it by 90° · Delete rejects it';
  const goesOn = box?.solution && !folder.is_video ? ' · Enter: next picture' : '';
  if (wanted !== null) return `Click: ${NAMES[wanted]} · S if hidden${goesOn}`;
  if (folder.is_video && box?.solution) return 'Drag a corner that is off · → next frame, PgDn ten';
  if (box?.solution) return 'Drag a corner that is off · N: one more box · Enter: next picture';
  if (open.isEmpty && folder.is_video) return 'Left out · E takes that back · → next frame';
  if (open.isEmpty) return 'No object here · E takes that back · Enter: next picture';
  return open.objects.length ? '' : 'N begins a box · E: no object here';
}

/** Tell what is left to do after the last picture. */
function tellEnd() {
  const left = folder.pictures.filter((item) => !item.objects && !item.is_annotated);
  const first = left.find((item) => !item.error);
  if (folder.is_read_only) panel.toast('This was the last picture.');
  else if (folder.is_video) panel.toast('This was the last frame. Everything is saved: close the page when all frames are right.');
  else if (first) panel.toast(`This was the last picture. Not annotated yet: ${left.length}, ${first.path} first.`);
  else panel.toast('All pictures are annotated and saved. Close this page, and check them: cpose check-data');
}

/** Tell of a box that is left with too few corners. */
function tellDraft() {
  const draft = open?.objects.find((box) => !box.solution);
  if (!draft) return;
  const count = draft.corners.filter(Boolean).length;
  panel.toast(`A box in ${element('name').textContent} has ${count} corners only: it is kept here, but not in the annotation.`);
}

function undo(name) {
  if (!open) return;
  live = null;
  cursor = null;
  open[name]();
  if (!edited() && offered().length) select(offered()[0].id);
  else if (!edited()) begin();
  refresh();
}

function markEmpty() {
  if (!open) return;
  pending = null;
  open.change({ objects: [], isEmpty: !open.isEmpty });
  if (open.isEmpty) select(null);
  else addBox();
}

/** Keys that change nothing. */
const LOOKING = new Set(['ArrowRight', 'ArrowLeft', 'd', 'a', 'PageDown', 'PageUp', 'f', 'Tab', ' ', '?', 'Escape']);
const KEYS = {
  Enter: () => (proposal() ? accept() : go(1)),
  ArrowRight: () => go(1),
  d: () => go(1),
  ArrowLeft: () => go(-1),
  a: () => go(-1),
  PageDown: () => go(10),
  PageUp: () => go(-10),
  n: () => addBox(),
  s: () => { if (wanted !== null) { skipped.add(wanted); picked = null; refresh(); } },
  Backspace: takeBack,
  Delete: removeBox,
  r: turn,
  l: likeLast,
  e: markEmpty,
  f: () => { view.fit(); draw(); },
  u: () => edited() && changeBox({ upright: !edited().upright }),
  Escape: () => {
    if (document.body.classList.contains('helping')) {
      document.body.classList.remove('helping');
      return;
    }
    pending = null;
    select(null);
  },
  '?': () => document.body.classList.toggle('helping'),
  ' ': () => holdSpace(true),
  Tab: () => {
    const ids = [...(open?.objects || []), ...offered()].map((box) => box.id);
    if (ids.length) select(ids[(ids.indexOf(selected) + 1) % ids.length]);
  },
};

function holdSpace(isDown) {
  isSpaceDown = isDown;
  document.body.classList.toggle('moving', isDown);
}

function onKey(event) {
  const isField = ['INPUT', 'SELECT'].includes(event.target.tagName);
  if (isField) {
    if (event.key === 'Enter' || event.key === 'Escape') event.target.blur();
    return;
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (folder?.is_read_only && !LOOKING.has(key)) return;
  let action = KEYS[key];
  if (event.ctrlKey || event.metaKey) {
    if (key === 'z') action = () => undo(event.shiftKey ? 'redo' : 'undo');
    else if (key === 'y') action = () => undo('redo');
    else return;
  }
  if (!action || event.altKey) return;
  event.preventDefault();
  action();
}

function changeSizes() {
  const sizes = [0, 1, 2].map((axis) => panel.numberOf(`size-${axis}`, { above: 0, most: 1e4 }));
  if (!sizes.some(Number.isNaN)) changeBox({ sizes });
}

function changeCamera(source) {
  if (!open) return;
  const typed = Object.fromEntries(['fx', 'fy', 'cx', 'cy'].map((name) =>
    [name, panel.numberOf(name, name[0] === 'f' ? { above: 0, most: 1e6 } : {})]));
  if (source === 'typed' && Object.values(typed).some((n) => n === null || Number.isNaN(n))) return;
  const base = source === 'picture' ? last.camera : open.cameras[source] || open.camera;
  const camera = source === 'typed' ? { ...base, ...typed, source } : { ...base, source };
  live = null;
  open.change({ camera });
}

function wire() {
  const overlay = element('overlay');
  overlay.addEventListener('pointermove', onMove);
  overlay.addEventListener('pointerdown', onDown);
  overlay.addEventListener('pointerleave', () => { cursor = null; live = null; draw(); });
  for (const name of ['pointerup', 'pointercancel']) window.addEventListener(name, onUp);
  overlay.addEventListener('contextmenu', (event) => event.preventDefault());
  overlay.addEventListener('wheel', (event) => {
    event.preventDefault();
    // Two fingers on a touch pad: spread they zoom, as browsers say by Ctrl, sideways they move.
    if (event.deltaX && !event.ctrlKey) view.move(-event.deltaX * view.ratio, -event.deltaY * view.ratio);
    else view.zoom((event.ctrlKey ? 1.01 : 1.0015) ** -event.deltaY, view.canvasPoint(event));
    draw();
  }, { passive: false });
  window.addEventListener('keydown', onKey);
  window.addEventListener('keyup', (event) => { if (event.key === ' ') holdSpace(false); });
  window.addEventListener('blur', () => holdSpace(false));
  view.onResize = () => draw();
  const onClick = {
    undo: () => undo('undo'), redo: () => undo('redo'), next: () => go(1), previous: () => go(-1),
    new: addBox, empty: markEmpty, same: likeLast, turn, help: KEYS['?'],
  };
  for (const [id, action] of Object.entries(onClick)) {
    element(id).addEventListener('click', () => { action(); overlay.focus(); });
  }
  const onChange = {
    category: (input) => input.value.trim() && changeBox({ category: input.value.trim() }),
    upright: (input) => changeBox({ upright: input.checked }),
    symmetric: ({ value }) => changeBox({ symmetric: value === '' ? null : JSON.parse(value) }),
    visibility: () => {
      const part = panel.numberOf('visibility', { above: -1, most: 100 });
      if (part !== null && part >= 0) changeBox({ visibility: part / 100 });
    },
    source: (input) => changeCamera(input.value),
  };
  for (const [id, action] of Object.entries(onChange)) {
    element(id).addEventListener('change', (event) => action(event.target));
  }
  for (const axis of [0, 1, 2]) element(`size-${axis}`).addEventListener('change', changeSizes);
  for (const id of ['fx', 'fy', 'cx', 'cy']) {
    element(id).addEventListener('change', () => changeCamera('typed'));
  }
}

wire();
start().catch((error) => panel.toast(error.message));
