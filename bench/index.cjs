// npm run bench, once everything is installed and built. What follows on the command line: ./options.ts
require('../test/jest/typescript.cjs');
require('./main.ts');
