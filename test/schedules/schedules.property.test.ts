import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { seeded } from '../../src/simulation/seeded.js';
import { play } from './play.js';
import { schedule } from './schedule.js';
import { openStage, type Stage } from './stage.js';
import { wrongsOf } from './verdict.js';

/** How many schedules are played; `npm run test:schedules` plays 100,000. */
const SCHEDULES = Number(process.env['SCHEDULES'] ?? 250);
/** A database and a Stripe serve so many accounts. */
const PER_STAGE = 250;

const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

test(`whatever happens in whatever order: nothing is lost, nothing is doubled, each subscriber is told all (${SCHEDULES} schedules)`, async () => {
  const folder = mkdtempSync(join(MEMORY, 'schedules-'));
  let stage: Stage | null = null;
  let count = 0;
  try {
    await fc.assert(
      fc.asyncProperty(schedule, fc.nat(), async (steps, seed) => {
        const random = seeded(seed);
        if (stage === null || stage.accounts >= PER_STAGE) {
          await stage?.engine.close();
          count += 1;
          stage = await openStage(join(folder, `${count}.db`), random);
        }
        expect(wrongsOf(await play(stage, steps, random))).toEqual([]);
      }),
      { numRuns: SCHEDULES },
    );
  } finally {
    await (stage as Stage | null)?.engine.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 7_200_000);
