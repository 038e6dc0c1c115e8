// A TypeScript file as a process of its own: node bench/child.cjs <file>
require('../test/support/typescript.hook.cjs');
require(process.argv[2]);
