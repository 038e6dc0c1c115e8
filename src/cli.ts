#!/usr/bin/env node
import { runCli } from './cli/run-cli.js';
import { readStandardInput } from './cli/terminal.js';
import { loadEnvFile } from './config/load-configuration.js';

loadEnvFile();
void runCli(process.argv.slice(2), {
  in: readStandardInput,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}).then((code) => {
  process.exitCode = code;
});
