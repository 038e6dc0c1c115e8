// Proves the built service for real: `npm start` in an empty folder, one event over HTTP, the row in ClickHouse, a clean stop.
/* global fetch */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEnv } from 'node:util';

import { endLeftovers, markedEnvironment } from './leftovers.mjs';
import { fail } from './step.mjs';

const START_TIMEOUT_MS = 120_000;
const ROW_TIMEOUT_MS = 10_000;

const marked = markedEnvironment();
const dataDir = join(marked.TMPDIR, 'data');
const env = { ...marked, DATA_DIR: dataDir, PORT: String(await freePort()) };
for (const name of ['REDIS_URL', 'CLICKHOUSE_URL', 'DATABASE_URL']) delete env[name];

// What `npm start` runs, without npm between us: npm itself ends by the signal it was sent, whatever its script's exit code.
const service = spawn(process.execPath, ['scripts/start.mjs'], {
  env,
  stdio: ['ignore', 'inherit', 'inherit'],
  cwd: join(import.meta.dirname, '..'),
});
const ended = once(service, 'exit');
let problem;
try {
  await smoke();
} catch (error) {
  problem = error;
}
service.kill('SIGTERM');
const [code] = await ended;
const leftovers = await endLeftovers();

if (problem) fail(`smoke: ${problem.message}`);
if (leftovers.length > 0) fail(`smoke: processes were left behind:\n${leftovers.join('\n')}`);
if (code !== 0) fail(`smoke: npm start ended with ${code} after SIGTERM; expected 0.`);
console.log('smoke: the service started, stored an event and stopped cleanly.');

async function smoke() {
  const url = `http://127.0.0.1:${env.PORT}`;
  await until('/readyz answers 200', START_TIMEOUT_MS, async () => (await fetch(`${url}/readyz`)).status === 200);
  const file = join(dataDir, 'quickstart.env');
  await until('quickstart.env has a key', ROW_TIMEOUT_MS, () => parseEnv(readFileSync(file, 'utf8')).SEGOPS_API_KEY);
  const { SEGOPS_API_KEY, CLICKHOUSE_URL } = parseEnv(readFileSync(file, 'utf8'));

  const response = await fetch(`${url}/api/ingestion/track/`, {
    method: 'POST',
    headers: { authorization: `ApiKey ${SEGOPS_API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: 'smoke', event_type: 'smoke_tested', payload: { n: 1 } }),
  });
  if (response.status !== 202) throw new Error(`track answered ${response.status}: ${await response.text()}`);

  const query = "SELECT count() FROM events WHERE user_id = 'smoke' AND event_type = 'smoke_tested'";
  await until('the event is in ClickHouse', ROW_TIMEOUT_MS, async () => {
    const answer = await fetch(CLICKHOUSE_URL, { method: 'POST', body: query, headers: { connection: 'close' } });
    return (await answer.text()).trim() === '1';
  });
}

/** Asks until the answer is true; an exception counts as not yet. Gives up early when the service has ended. */
async function until(what, timeoutMs, condition) {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(50)) {
    if (service.exitCode !== null) throw new Error(`npm start ended with ${service.exitCode}`);
    if (
      await Promise.resolve()
        .then(condition)
        .catch(() => false)
    )
      return;
  }
  throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}
