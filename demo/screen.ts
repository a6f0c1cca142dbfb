import { clearLine, cursorTo, moveCursor } from 'node:readline';
import { styleText } from 'node:util';
import type { Run } from './client.js';
import type { OnProgress } from './download.js';

const WIDTH = 24;
const BLOCK = 6;
const FRAME_MS = 120;

/** Draws a line per run, in place on a terminal; elsewhere it prints a line per change. */
export class Screen {
  readonly #out: NodeJS.WriteStream;
  readonly #runs = new Map<string, { run: Run; since: number; endedAt: number | null }>();
  #drawn = 0;
  #frame = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
    if (out.isTTY) this.#timer = setInterval(() => this.#draw(), FRAME_MS);
  }

  update(run: Run): void {
    const known = this.#runs.get(run.id);
    const now = Date.now();
    this.#runs.set(run.id, {
      run,
      since: known?.since ?? now,
      endedAt: run.status === 'RUNNING' ? null : now,
    });
    if (this.#out.isTTY) this.#draw();
    else if (known?.run.status !== run.status) this.#out.write(`${this.#line(run.id)}\n`);
  }

  /** Stops drawing; what stands on the screen stays. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #draw(): void {
    this.#frame += 1;
    if (this.#drawn > 0) moveCursor(this.#out, 0, -this.#drawn);
    for (const id of this.#runs.keys()) this.#out.write(`\u001b[2K${this.#line(id)}\n`);
    this.#drawn = this.#runs.size;
  }

  #line(id: string): string {
    const entry = this.#runs.get(id);
    if (entry === undefined) return '';
    const { run, since, endedAt } = entry;
    const seconds = (((endedAt ?? Date.now()) - since) / 1000).toFixed(1).padStart(5);
    const status = styleText(COLOURS[run.status], run.status.padEnd(9));
    const bar = this.#out.isTTY ? `${barOf(run.status, this.#frame)} ` : '';
    return `  ${run.api}  ${bar}${status} ${seconds} s  ${run.id}`;
  }
}

/** Draws how far a download has come, in place on a terminal; elsewhere it says nothing before the end. */
export function progressOn(out: NodeJS.WriteStream): { show: OnProgress; end(): void } {
  return {
    show(bytes, total) {
      if (!out.isTTY) return;
      const part = total === null || total === 0 ? 1 : bytes / total;
      const full = Math.round(part * WIDTH);
      const percent = `${Math.floor(part * 100)} %`.padStart(5);
      clearLine(out, 0);
      cursorTo(out, 0);
      out.write(`      [${'█'.repeat(full)}${'·'.repeat(WIDTH - full)}] ${percent}`);
    },
    end() {
      if (out.isTTY) out.write('\n');
    },
  };
}

const COLOURS = { RUNNING: 'yellow', SUCCEEDED: 'green', FAILED: 'red' } as const;

/** Stripe tells no progress, so a block runs to and fro until the end is known. */
function barOf(status: Run['status'], frame: number): string {
  if (status !== 'RUNNING') return `[${'█'.repeat(WIDTH)}]`;
  const way = WIDTH - BLOCK;
  const at = way - Math.abs((frame % (2 * way)) - way);
  return `[${'·'.repeat(at)}${'█'.repeat(BLOCK)}${'·'.repeat(way - at)}]`;
}
