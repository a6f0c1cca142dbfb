import type { Engine } from '../../src/ledger/engine.js';

/** The database as one process sees it: when the process is killed, nothing it has begun comes back, and nothing more is asked. */
export interface MortalEngine {
  readonly engine: Engine;
  readonly isAlive: () => boolean;
  kill(): void;
}

/** What a transaction has committed by then is kept; one that waits for its turn never begins. */
export function mortal(engine: Engine, isShared: boolean): MortalEngine {
  let alive = true;
  const ends: (() => void)[] = [];
  const never = <T>(): Promise<T> => new Promise(() => undefined);
  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    if (!alive) return never();
    const settled = await work().then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error;
      },
    );
    return alive ? settled() : never();
  }
  return {
    isAlive: () => alive,
    kill() {
      alive = false;
      for (const end of ends) end();
    },
    engine: {
      ...engine,
      isShared,
      query: (sql, params) => guarded(() => engine.query(sql, params)),
      tx: (work) => guarded(() => engine.tx(work)),
      snapshot: (work) => guarded(() => engine.snapshot(work)),
      onNotify(listener) {
        const end = engine.onNotify((topic) => alive && listener(topic));
        ends.push(end);
        return end;
      },
      close: () => Promise.resolve(),
    },
  };
}
