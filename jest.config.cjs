// The global setup is TypeScript too, and is loaded in this process.
require('./test/jest/typescript.cjs');

// What starts the built service, kills things, or waits for clocks. `npm test` runs it beside the rest, once there is a build.
const FAULTS = ['/test/(faults|contract)/.*spec\\.ts$', '(image|\\.crash)\\.spec\\.ts$'];

/** @type {import('jest').Config} */
const project = {
  rootDir: __dirname,
  roots: ['<rootDir>/src', '<rootDir>/test'],
  // Specs share the modules of their worker: see there.
  runtime: '<rootDir>/test/jest/node.runtime.cjs',
  testEnvironment: '<rootDir>/test/jest/node.environment.cjs',
  setupFilesAfterEnv: ['<rootDir>/test/jest/silent.logger.cjs'],
  transform: {},
  testRegex: '\\.(e2e-)?spec\\.ts$',
  globalSetup: '<rootDir>/test/global-setup.ts',
  globalTeardown: '<rootDir>/test/global-teardown.ts',
};

/** @type {import('jest').Config} */
module.exports = {
  projects: [
    { ...project, displayName: 'specs', testPathIgnorePatterns: ['/node_modules/', ...FAULTS] },
    { ...project, displayName: 'faults', testRegex: FAULTS },
  ],
  // Two, so that ClickHouse and Redis, which the specs wait for, keep a share of a two-core machine.
  maxWorkers: 2,
  // Specs start servers and processes, on a machine that may be busy; what hangs fails on the deadline of its own poll,
  // long before this one.
  testTimeout: 90_000,
};
