import type { UserError } from '../models/create-report-run.js';

/** `path` leads to the value inside the mutation's `input`. */
export function invalidInput(path: readonly string[], message: string): UserError {
  return { kind: 'InvalidInput', message, path };
}
