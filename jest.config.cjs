// The global setup is TypeScript too, and is loaded in this process.
require('./test/jest/typescript.cjs');

/** @type {import('jest').Config} */
module.exports = {
  // Specs share the modules of their worker: see there.
  runtime: '<rootDir>/test/jest/node.runtime.cjs',
  testEnvironment: '<rootDir>/test/jest/node.environment.cjs',
  transform: {},
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testRegex: '\\.(e2e-)?spec\\.ts$',
  globalSetup: '<rootDir>/test/global-setup.ts',
  globalTeardown: '<rootDir>/test/global-teardown.ts',
  // Two, so that ClickHouse and Redis, which the specs wait for, keep a share of a two-core machine.
  maxWorkers: 2,
  // Specs start servers and processes, on a machine that may be busy; what hangs fails on the deadline of its own poll,
  // long before this one.
  testTimeout: 90_000,
};
