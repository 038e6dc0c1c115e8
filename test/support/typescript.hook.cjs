// Lets a plain Node process require the sources, for specs about what happens when a process dies:
// node --require ./test/support/typescript.hook.cjs --eval "require('./src/….ts')"
require('./resolve-sources.cjs');
const Module = require('node:module');
const { transformFileSync } = require('@swc/core');

Module._extensions['.ts'] = (module, file) => {
  const { code } = transformFileSync(file, {
    jsc: { target: 'es2023', parser: { syntax: 'typescript', decorators: true } },
    module: { type: 'commonjs' },
  });
  module._compile(code, file);
};
