// Lets plain Node require the TypeScript sources: node --require ./test/jest/typescript.cjs --eval "require('./src/….ts')"
const { createHash } = require('node:crypto');
const { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const Module = require('node:module');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { transformSync, version } = require('@swc/core');

const OPTIONS = {
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
  module: { type: 'commonjs' },
  sourceMaps: true,
};
const CACHE = join(__dirname, '../../node_modules/.cache/segops/typescript');

// Whose coverage is measured is mapped back to its source by Node itself, which then reads every map.
const isMeasured = process.env.NODE_V8_COVERAGE !== undefined;

/** Of every file that was required: its source map, as a file. */
exports.sourceMaps = new Map();

// A relative import names the file that the compiler would write: `./x.js` is x.ts here.
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = (request, parent, ...rest) => {
  if (parent?.filename?.endsWith('.ts') && /^\.{1,2}\/.*\.js$/.test(request)) {
    try {
      return resolveFilename(request.replace(/\.js$/, '.ts'), parent, ...rest);
    } catch {
      // It is plain JavaScript.
    }
  }
  return resolveFilename(request, parent, ...rest);
};

Module._extensions['.ts'] = (module, filename) => {
  const { code, map } = compiled(readFileSync(filename, 'utf8'), filename);
  exports.sourceMaps.set(filename, map);
  module._compile(isMeasured ? `${code}\n//# sourceMappingURL=${pathToFileURL(map)}` : code, filename);
};

function compiled(source, filename) {
  const key = createHash('sha256')
    .update(JSON.stringify([version, OPTIONS, filename, source]))
    .digest('hex');
  const file = join(CACHE, `${key}.js`);
  const map = `${file}.map`;
  if (existsSync(file)) return { code: readFileSync(file, 'utf8'), map };
  const result = transformSync(source, { ...OPTIONS, filename, swcrc: false });
  mkdirSync(CACHE, { recursive: true });
  // The code comes last, and whole: whoever finds it, finds the map.
  for (const [path, text] of [
    [map, result.map],
    [file, result.code],
  ]) {
    writeFileSync(`${path}.${process.pid}`, text);
    renameSync(`${path}.${process.pid}`, path);
  }
  return { code: result.code, map };
}
