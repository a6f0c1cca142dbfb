import type { Api, Outcome } from './run.js';

/** How the next created runs that match shall end. */
export interface OutcomeRule {
  readonly api: Api | null;
  readonly type: string | null;
  readonly outcome: Outcome;
  /** Null: the settings' run time. Zero: it has ended when the create is answered. */
  readonly afterSeconds: number | null;
  readonly error: string | null;
  readonly errorCode: string | null;
}

export interface Outcomes {
  add(rule: OutcomeRule, times: number): void;
  /** Uses up the first rule that matches. */
  take(api: Api, type: string): OutcomeRule | null;
}

export function createOutcomes(): Outcomes {
  const waiting: { readonly rule: OutcomeRule; remaining: number }[] = [];
  return {
    add(rule, times) {
      waiting.push({ rule, remaining: times });
    },
    take(api, type) {
      const index = waiting.findIndex(
        ({ rule }) => (rule.api === null || rule.api === api) && (rule.type === null || rule.type === type),
      );
      const found = waiting[index];
      if (found === undefined) return null;
      found.remaining -= 1;
      if (found.remaining === 0) waiting.splice(index, 1);
      return found.rule;
    },
  };
}
