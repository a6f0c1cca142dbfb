import { defineConfig } from 'vitest/config';

/** Where .ci/run wants the counts. */
const results = process.env['VITEST_RESULTS'];

export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    allowOnly: false,
    reporters: results === undefined ? ['default'] : ['default', ['json', { outputFile: results }]],
  },
});
