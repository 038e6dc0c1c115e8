// npm run test:crash, once everything is installed and built. What follows on the command line: ./options.ts
require('../support/typescript.hook.cjs');
require('./main.ts');
