// Nest's logger prints to the terminal, in the middle of Jest's report. A spec that reads the log sets a logger of its own.
const { Logger } = require('@nestjs/common');

Logger.overrideLogger(false);
