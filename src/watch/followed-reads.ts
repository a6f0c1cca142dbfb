import type { Ledger } from '../ledger/ledger.js';
import type { LedgerRun, RunTransition } from '../ledger/runs.js';

/** A run as the ledger has it; undefined where it has none. */
export interface FollowedRead {
  readonly kept: LedgerRun | undefined;
  /** All its transitions, ascending; one that came after the run was read may be among them. */
  transitions(): Promise<readonly RunTransition[]>;
}

/** Those who are read together. */
interface Gathered {
  readonly ids: Set<string>;
  readonly answer: Promise<(id: string) => FollowedRead>;
}

/**
 * Reads runs for those who follow them. All are woken at once, by a run that many follow or after a gap in the notices: what they ask
 * while others are read is read together, and of each run once however many follow it.
 */
export class FollowedReads {
  readonly #ledger: Pick<Ledger, 'runs'>;
  #next: Gathered | null = null;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(ledger: Pick<Ledger, 'runs'>) {
    this.#ledger = ledger;
  }

  /** What it gives was read after this call. */
  async read(id: string): Promise<FollowedRead> {
    const next = this.#next ?? this.#gather();
    next.ids.add(id);
    return (await next.answer)(id);
  }

  #gather(): Gathered {
    const ids = new Set<string>();
    const answer = this.#reading.then(async () => {
      this.#next = null;
      return this.#shared(await this.#ledger.runs.get([...ids]));
    });
    this.#reading = answer.catch(() => undefined);
    const gathered = { ids, answer };
    this.#next = gathered;
    return gathered;
  }

  #shared(runs: ReadonlyMap<string, LedgerRun>): (id: string) => FollowedRead {
    const asked = new Map<string, Promise<readonly RunTransition[]>>();
    return (id) => ({
      kept: runs.get(id),
      transitions: () => {
        const transitions = asked.get(id) ?? this.#ledger.runs.transitions(id, 0);
        asked.set(id, transitions);
        return transitions;
      },
    });
  }
}
