// The global setup is loaded by Node itself, which knows nothing of moduleNameMapper.
require('./test/support/resolve-sources.cjs');

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testRegex: '\\.(e2e-)?spec\\.ts$',
  globalSetup: '<rootDir>/test/global-setup.ts',
  globalTeardown: '<rootDir>/test/global-teardown.ts',
  // Two, so that ClickHouse and Redis, which the specs wait for, keep a share of a two-core machine.
  maxWorkers: 2,
  // What spec files leave behind in a worker is never cleared away, and slows those that follow.
  workerIdleMemoryLimit: '1GB',
  // Specs start servers and processes, on a machine that may be busy; what hangs fails on the deadline of its own poll,
  // long before this one.
  testTimeout: 90_000,
  // TypeScript's own spelling of a relative import: `./x.js` is x.ts here.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1', '$1.js'] },
  // Nest 12 and some of what it loads are ES modules; Jest runs CommonJS, so node_modules are transformed too; so is what imports() in CommonJS.
  transformIgnorePatterns: [
    '/node_modules/(?!(@nestjs|@electric-sql|file-type|@tokenizer|uint8array-extras|token-types|strtok3|@borewit|cookie|@sindresorhus|jose|p-limit|yocto-queue|@opentelemetry/otlp-exporter-base)/)',
  ],
  transform: {
    '^.+\\.(t|[cm]?j)s$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'commonjs' },
      },
    ],
  },
};
