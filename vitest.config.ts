import { defineConfig } from 'vitest/config';

/** Where .ci/run wants the counts. */
const results = process.env['VITEST_RESULTS'];

export default defineConfig({
  // Vitest would load graphql's ES module for our files, while the libraries load its CommonJS one, as Node does for both.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/browser/**', 'node_modules/**'],
    globalSetup: ['test/support/build.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    allowOnly: false,
    reporters: results === undefined ? ['default'] : ['default', ['json', { outputFile: results }]],
  },
});
