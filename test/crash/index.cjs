// npm run test:crash, once everything is installed and built. What follows on the command line: ./options.ts
require('../jest/typescript.cjs');
require('./main.ts');
