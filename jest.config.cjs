/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testRegex: '\\.(e2e-)?spec\\.ts$',
  // Nest 12 and some of what it loads are ES modules; Jest runs CommonJS, so node_modules are transformed too.
  transformIgnorePatterns: ['/node_modules/(?!(@nestjs|file-type|@tokenizer|uint8array-extras|token-types|strtok3|@borewit|cookie|@sindresorhus)/)'],
  transform: {
    '^.+\\.(t|m?j)s$': [
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
