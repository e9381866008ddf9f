// The picture that is open: its boxes and camera, undo and redo, and saving.

import * as api from './api.js';

const SAID = ['id', 'category', 'corners', 'soft', 'sizes', 'upright', 'symmetric', 'visibility',
  'source'];

const said = (box) => Object.fromEntries(SAID.map((name) => [name, box[name]]));
const snapshot = ({ objects, camera, isEmpty }) =>
  ({ objects: objects.map(said), camera, isEmpty });

export class OpenPicture {
  #past = [];
  #future = [];
  #saving = null;
  #isStale = false;

  /** @param tell Called with what happened: 'changed', 'saving', 'saved', 'failed', 'conflict'. */
  constructor(document, tell) {
    this.tell = tell;
    this.#adopt(document);
  }

  get canUndo() { return this.#past.length > 0; }

  get canRedo() { return this.#future.length > 0; }

  get isSaving() { return this.#saving !== null; }

  #adopt(document) {
    Object.assign(this, document);
    this.isEmpty = document.is_annotated && !document.objects.length;
  }

  /** Change boxes, camera or emptiness, and save. */
  change(changes) {
    this.#past.push(snapshot(this));
    this.#future = [];
    this.#apply(changes);
  }

  undo() {
    if (!this.canUndo) return;
    this.#future.push(snapshot(this));
    this.#apply(this.#past.pop());
  }

  redo() {
    if (!this.canRedo) return;
    this.#past.push(snapshot(this));
    this.#apply(this.#future.pop());
  }

  #apply(changes) {
    const before = new Map(this.objects.map((box) => [box.id, box.solution]));
    Object.assign(this, changes);
    this.objects = this.objects.map((box) =>
      ({ ...box, solution: box.solution || before.get(box.id) || null }));
    if (this.objects.length) this.isEmpty = false;
    this.tell('changed');
    this.#isStale = true;
    this.#saving ??= this.#save().finally(() => { this.#saving = null; });
  }

  /** Read again what is there, unless something is being saved. */
  async reload() {
    const before = this.revision;
    const document = await api.readPicture(this.id);
    if (!this.#saving && this.revision === before) this.#adopt(document);
  }

  /** Resolve when everything is on the disk. */
  async settled() {
    while (this.#saving) await this.#saving;
  }

  async #save() {
    while (this.#isStale) {
      this.#isStale = false;
      this.tell('saving');
      const mine = snapshot(this);
      const { objects, camera, isEmpty } = mine;
      try {
        const document = await api.writePicture(this.id,
          { revision: this.revision, objects, camera, is_empty: isEmpty });
        if (this.#isStale) this.revision = document.revision;
        else this.#adopt(document);
      } catch (error) {
        if (error.status !== 409) {
          this.tell('failed', error.message);
          return;
        }
        this.#isStale = false;
        this.#adopt(await api.readPicture(this.id));
        this.#future = [mine];
        this.#past = [];
        this.tell('conflict', error.message);
        return;
      }
    }
    this.tell('saved');
  }
}
