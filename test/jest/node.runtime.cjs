const { createRequire } = require('node:module');
const { default: Runtime } = require('jest-runtime');
const { sourceMaps } = require('./typescript.cjs');

/**
 * Loads specs and what they need by Node's own `require`, so that a worker loads Nest and the sources once and not once a spec.
 * What specs share by that is the state of modules. Modules cannot be mocked.
 */
module.exports = class NodeRuntime extends Runtime {
  requireModule(from, moduleName) {
    if (moduleName !== undefined) return createRequire(from)(moduleName);
    globalThis.jest = super.requireModuleOrMock(from, '@jest/globals').jest;
    return requireAnew(from);
  }

  /** Jest's own modules. What collects the tests of a spec keeps them as its state. */
  requireInternalModule(from, moduleName) {
    if (moduleName !== undefined) return createRequire(from)(moduleName);
    delete globalThis[Symbol.for('EVENT_HANDLERS')];
    return requireAnew(from);
  }

  getSourceMaps() {
    return sourceMaps;
  }

  /** Would leave this runtime behind in `process`. */
  installGetBuiltinModule() {}
};

function requireAnew(file) {
  delete require.cache[file];
  try {
    return require(file);
  } finally {
    module.children = [];
  }
}
