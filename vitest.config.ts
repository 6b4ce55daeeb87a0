// Three projects: `unit` shares one module graph per worker, because isolation costs ten times the tests themselves;
// `conformance` and `e2e` start real peers and the built command line, so they get processes and time of their own. One after the
// other (groupOrder): together they would only slow each other down.
import { delimiter, join } from 'node:path';
import { defineConfig } from 'vitest/config';

const root = import.meta.dirname;

// What package.json exports, mapped to the sources: tests see the code that they cover.
const alias = [
  { find: /^ocidsl$/, replacement: join(root, 'lib/index.ts') },
  { find: /^ocidsl\/macros$/, replacement: join(root, 'macros/index.ts') },
  { find: /^ocidsl\/testing$/, replacement: join(root, 'lib/testing/index.ts') },
];

export default defineConfig({
  resolve: { alias },
  test: {
    // scripts/setup-tests.sh installs pinned tools there.
    env: { PATH: [join(root, '.test-tools/bin'), process.env['PATH']].join(delimiter) },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/golden/**/*.test.ts', 'test/architecture.test.ts'],
          pool: 'forks',
          isolate: false,
          sequence: { groupOrder: 0 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          pool: 'forks',
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'checks',
          include: ['test/checks.test.ts'],
          globalSetup: ['test/fresh-build.ts'],
          sequence: { groupOrder: 2 },
          testTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/fresh-build.ts'],
          pool: 'forks',
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['lib/**/*.ts', 'macros/**/*.ts'],
      reporter: ['text-summary', 'html'],
      // Of the unit tests alone, just below what they reach: much of lib/cli and lib/sinks is covered by e2e, in other processes.
      thresholds: { statements: 82, branches: 80, functions: 79, lines: 83 },
    },
  },
});
