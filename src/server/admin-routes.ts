import type { Operations } from '../context.js';
import { badUserInput } from '../models/errors.js';
import type { AdminRoutes } from './admin.js';

/** What operators' commands may ask. */
export function createAdminRoutes(operations: Operations, now: () => number): AdminRoutes {
  const { account } = operations;
  return {
    'GET /intents': async () => ({ account, now: now(), creates: await operations.openCreates() }),
    'POST /intents/settle': async (body) => {
      const { key, run } = readSettle(body);
      return { said: await operations.settle(key, run) };
    },
    'GET /usage': async () => ({ account, usage: await operations.usage() }),
  };
}

function readSettle(body: unknown): { readonly key: string; readonly run: string | null } {
  if (typeof body === 'object' && body !== null && 'key' in body && 'run' in body) {
    const { key, run } = body;
    if (typeof key === 'string' && (typeof run === 'string' || run === null)) return { key, run };
  }
  throw badUserInput('Expected {"key": "…", "run": "…" or null}.');
}
