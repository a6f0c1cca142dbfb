import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

/** Where .ci/run wants the counts. */
const results = process.env['VITEST_RESULTS'];

/** Tests that run on both databases. */
const ON_BOTH = [
  'test/lists/stretch*.test.ts',
  'test/create/instances*.test.ts',
  'test/ledger/**/*.test.ts',
  'test/budget/gateway.test.ts',
  'test/follow/{follow,follow-runs,live-list,many-subscribers,outlook}*.test.ts',
  'test/webhooks/{effects,delivery,order}*.test.ts',
];
const ON_SQLITE = '**/*.sqlite.test.ts';
const ON_POSTGRES = '**/*.postgres.test.ts';

const project = (test: TestProjectInlineConfiguration['test']): TestProjectInlineConfiguration => ({
  // Vitest would load graphql's ES module for our files, while the libraries load its CommonJS one, as Node does for both.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: { testTimeout: 60_000, hookTimeout: 60_000, allowOnly: false, ...test },
});

export default defineConfig({
  test: {
    globalSetup: ['test/support/build.ts'],
    reporters: results === undefined ? ['default'] : ['default', ['json', { outputFile: results }]],
    projects: [
      project({
        name: 'sqlite',
        include: ['test/**/*.test.ts'],
        exclude: ['test/browser/**', 'node_modules/**', ON_POSTGRES],
        provide: { engine: 'sqlite' },
      }),
      project({
        name: 'postgres',
        include: [...ON_BOTH, `test/${ON_POSTGRES}`],
        exclude: ['test/browser/**', 'node_modules/**', ON_SQLITE],
        globalSetup: ['test/support/postgres-setup.ts'],
        provide: { engine: 'postgres' },
      }),
    ],
  },
});
