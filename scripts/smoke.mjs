// Proves the built service for real: `npm start` in an empty folder, an event with each credential that it hands out, the rows
// in ClickHouse, a clean stop.
/* global fetch */
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
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
for (const name of ['REDIS_URL', 'CLICKHOUSE_URL', 'DATABASE_URL', 'ENCRYPTION_KEY']) delete env[name];

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
console.log('smoke: the service started, stored an event of each kind and stopped cleanly.');

async function smoke() {
  const url = `http://127.0.0.1:${env.PORT}`;
  await until('/readyz answers 200', START_TIMEOUT_MS, async () => (await fetch(`${url}/readyz`)).status === 200);
  const file = join(dataDir, 'quickstart.env');
  await until('quickstart.env has a key', ROW_TIMEOUT_MS, () => parseEnv(readFileSync(file, 'utf8')).SEGOPS_API_KEY);
  const quickstart = parseEnv(readFileSync(file, 'utf8'));
  await sendWithEveryCredential(quickstart);

  const query = "SELECT uniqExact(id) FROM events WHERE user_id LIKE '%smoke%'";
  await until('the 3 events are in ClickHouse', ROW_TIMEOUT_MS, async () => {
    const answer = await fetch(quickstart.CLICKHOUSE_URL, {
      method: 'POST',
      body: query,
      headers: { connection: 'close' },
    });
    return (await answer.text()).trim() === '3';
  });
}

async function sendWithEveryCredential(quickstart) {
  const { SEGOPS_URL, SEGOPS_TENANT, SEGOPS_API_KEY, SEGOPS_PUBLIC_KEY, SEGOPS_SHOPIFY_SECRET } = quickstart;
  const { SEGOPS_EMAIL: email, SEGOPS_PASSWORD: password } = quickstart;
  const post = async (path, authorization, body, expected, headers = {}) => {
    const response = await fetch(`${SEGOPS_URL}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(authorization ? { authorization } : {}), ...headers },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== expected) throw new Error(`${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  };
  const event = { user_id: 'smoke', event_type: 'smoke_tested', payload: { n: 1 } };
  await post('/api/ingestion/track/', `ApiKey ${SEGOPS_API_KEY}`, event, 202);

  const session = await post('/api/auth/session/', `ApiKey ${SEGOPS_PUBLIC_KEY}`, { anonymous_id: 'smoke' }, 200);
  await post('/api/ingestion/track/', `Bearer ${session.token}`, event, 202);

  const order = { id: 1, email: 'smoke@example.com', total_price: '59.90' };
  const signature = createHmac('sha256', SEGOPS_SHOPIFY_SECRET).update(JSON.stringify(order)).digest('base64');
  await post(`/api/ingestion/shopify/${SEGOPS_TENANT}/`, undefined, order, 202, {
    'x-shopify-topic': 'orders/create',
    'x-shopify-hmac-sha256': signature,
  });

  const { access } = await post('/api/auth/token/', undefined, { email, password }, 200);
  await post('/api/auth/api-keys/', `Bearer ${access}`, { name: 'smoke', tenant_slug: SEGOPS_TENANT }, 201);
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
