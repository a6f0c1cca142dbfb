import type { JsonValue } from './json.js';

export const FAULT_KINDS = ['error', 'timeout', 'reset', 'truncated', 'slow', 'not_json', 'hold'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultSpec {
  /** Null: any. */
  readonly method: string | null;
  /** A path, or the beginning of one with `*` behind it. Null: any. */
  readonly path: string | null;
  readonly kind: FaultKind;
  /** Whether the request fails before it has its effect, or after. */
  readonly when: 'before' | 'after';
  /** How many requests it meets; 0 for all until it is cleared. */
  readonly times: number;
  readonly status: number | null;
  /** Instead of the usual body; a string is sent as it is. Undefined: the usual body. */
  readonly body: JsonValue | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Between two bytes of `slow`, ms. */
  readonly delayMs: number;
}

export interface Fault extends FaultSpec {
  readonly id: string;
}

export interface FaultState extends Fault {
  /** How many more requests it meets; null if it has no end. */
  readonly remaining: number | null;
  /** Requests that are held right now. */
  readonly held: number;
}

export interface Faults {
  add(spec: FaultSpec): Fault;
  /** The oldest fault that wants this request; it is used up by it. */
  take(method: string, path: string): Fault | null;
  /** Waits for the fault's release. */
  hold(fault: Fault): Promise<void>;
  /** Lets go what a fault holds. Null if there is no such fault, else how many were held. */
  release(id: string): number | null;
  list(): readonly FaultState[];
  /** Forgets all faults and releases what they hold. */
  clear(): void;
}

interface Entry {
  readonly fault: Fault;
  left: number;
  readonly held: Set<() => void>;
}

export function createFaults(): Faults {
  let count = 0;
  const entries = new Map<string, Entry>();
  return {
    add(spec) {
      count += 1;
      const fault: Fault = { ...spec, id: `fault_${count}` };
      entries.set(fault.id, {
        fault,
        left: spec.times === 0 ? Number.POSITIVE_INFINITY : spec.times,
        held: new Set(),
      });
      return fault;
    },
    take(method, path) {
      for (const entry of entries.values()) {
        if (entry.left === 0 || !wants(entry.fault, method, path)) continue;
        entry.left -= 1;
        return entry.fault;
      }
      return null;
    },
    hold(fault) {
      return new Promise((resolve) => {
        const entry = entries.get(fault.id);
        if (entry === undefined) resolve();
        else entry.held.add(resolve);
      });
    },
    release(id) {
      const entry = entries.get(id);
      return entry === undefined ? null : letGo(entry);
    },
    list() {
      return [...entries.values()].map(({ fault, left, held }) => ({
        ...fault,
        remaining: Number.isFinite(left) ? left : null,
        held: held.size,
      }));
    },
    clear() {
      const all = [...entries.values()];
      entries.clear();
      for (const entry of all) letGo(entry);
    },
  };
}

function letGo(entry: Entry): number {
  const waiting = [...entry.held];
  entry.held.clear();
  for (const go of waiting) go();
  return waiting.length;
}

function wants(fault: Fault, method: string, path: string): boolean {
  if (fault.method !== null && fault.method !== method) return false;
  if (fault.path === null) return true;
  return fault.path.endsWith('*') ? path.startsWith(fault.path.slice(0, -1)) : path === fault.path;
}
