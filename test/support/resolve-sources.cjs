// In TypeScript a relative import names the compiled file. This lets a Node process that runs the sources find them.
const Module = require('node:module');

const resolveFilename = Module._resolveFilename;
Module._resolveFilename = (request, parent, ...rest) => {
  const fromSource = parent?.filename?.endsWith('.ts') && request.startsWith('.');
  return resolveFilename(fromSource ? request.replace(/\.js$/, '.ts') : request, parent, ...rest);
};
