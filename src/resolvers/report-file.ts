import type { Context } from '../context.js';
import { badUserInput } from '../models/errors.js';
import type { ReportFile } from '../models/report-run.js';

/** A link that works without a key, until `expiresAt` (unix ms). */
export interface SignedUrl {
  readonly url: string;
  readonly expiresAt: number;
}

const DEFAULT_SECONDS = 300;
const MIN_SECONDS = 10;
const MAX_SECONDS = 86_400;

/** `ReportFile.downloadUrl`. Signs anew each time and asks nobody. */
export function signDownloadUrl(
  file: ReportFile,
  { expiresIn }: { readonly expiresIn?: number | null | undefined },
  context: Context,
): SignedUrl {
  const seconds = expiresIn ?? DEFAULT_SECONDS;
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) {
    throw badUserInput(
      `\`expiresIn\` must be between ${MIN_SECONDS} and ${MAX_SECONDS} seconds, but is ${seconds}.`,
    );
  }
  const { path, expiresAt } = context.services.files.sign(file.runId, seconds);
  return { url: new URL(path, context.origin).href, expiresAt };
}
