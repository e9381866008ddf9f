// Requests to the server. All addresses are relative: the secret part stays as it is.

export class RequestError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new RequestError(0, 'The server does not answer. Is cpose annotate still running?');
  }
  const content = await response.json().catch(() => ({}));
  if (!response.ok) throw new RequestError(response.status, content.error || response.statusText);
  return content;
}

function send(method, path, content) {
  const headers = { 'Content-Type': 'application/json' };
  return request(path, { method, headers, body: JSON.stringify(content) });
}

export const listPictures = () => request('api/pictures');
export const readPicture = (id) => request(`api/pictures/${id}`);
export const writePicture = (id, content) => send('PUT', `api/pictures/${id}`, content);
export const readProposals = (id) => request(`api/pictures/${id}/proposals`);
export const imageAddress = (id) => `api/pictures/${id}/image`;

/** Solve while the mouse moves: one request at a time, and of those that wait only the newest. */
export class LiveSolver {
  #busy = false;
  #waiting = null;

  ask(id, content, onSolved) {
    this.#waiting = { id, content, onSolved };
    if (!this.#busy) this.#run();
  }

  cancel() {
    this.#waiting = null;
  }

  async #run() {
    this.#busy = true;
    while (this.#waiting) {
      const { id, content, onSolved } = this.#waiting;
      this.#waiting = null;
      try {
        const { solution } = await send('POST', `api/pictures/${id}/solve`, content);
        onSolved(solution);
      } catch (error) {
        if (error.status === 0) this.#waiting = null;
      }
    }
    this.#busy = false;
  }
}
