import { apiOfRunId } from '../models/ids.js';
import type { StripeApi } from '../models/report-run.js';

/** Which runs somebody watches, counted. Only these set the pace of their API's feed. */
export class Followers {
  readonly #counts = new Map<string, number>();
  readonly #onFirst: (api: StripeApi) => void;

  /** `onFirst` is called when a run that nobody watched gets its first follower. */
  constructor(onFirst: (api: StripeApi) => void) {
    this.#onFirst = onFirst;
  }

  /** Follows a run until the returned function is called; calling it again does nothing. */
  add(id: string): () => void {
    const count = this.#counts.get(id) ?? 0;
    this.#counts.set(id, count + 1);
    const api = apiOfRunId(id);
    if (count === 0 && api !== null) this.#onFirst(api);
    let following = true;
    return () => {
      if (!following) return;
      following = false;
      const left = (this.#counts.get(id) ?? 0) - 1;
      if (left > 0) this.#counts.set(id, left);
      else this.#counts.delete(id);
    };
  }

  /** The watched runs of one API. */
  ids(api: StripeApi): string[] {
    return [...this.#counts.keys()].filter((id) => apiOfRunId(id) === api);
  }
}
