// A TypeScript file as a process of its own: node bench/child.cjs <file>
require('../test/jest/typescript.cjs');
require(process.argv[2]);
