import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApplication } from '../../src/bootstrap.js';
import { loadConfiguration } from '../../src/config/load-configuration.js';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { ShopifyAccounts } from '../../src/shopify/settings/shopify-accounts.service.js';
import { readWebhookHeaders } from '../../src/shopify/webhook.headers.js';
import { readWebhook } from '../../src/shopify/webhook.reader.js';
import { ApiKeys } from '../../src/tenants/api-keys.service.js';
import { Tenants } from '../../src/tenants/tenants.service.js';
import { Users } from '../../src/tenants/users.service.js';
import { deliver, webhookFixture } from '../../test/support/shopify.js';
import { waitUntil } from '../../test/support/wait-until.js';
import type { Bar, Figure, Measurement } from '../figure.js';
import { alternate } from '../measure/alternate.js';
import { median } from '../measure/median.js';

const ROUNDS = 11;
const TENANT = 'acme';
const EMAIL = 'known@example.com';
const SECRETS = ['one', 'two', 'three', 'four', 'five', 'six'];
const WEBHOOK_BYTES = 8_000_000;
const ORDER_BYTES = 10_000_000;
const silent = { log() {}, error() {}, warn() {}, debug() {}, verbose() {}, fatal() {} };

type Call = () => Promise<unknown>;

/** How long answers take that must not tell who exists, and answers while Redis is away: of an API in this process, without load. */
export const responseTimes: Figure = {
  name: 'response-times',
  runs: 'default',
  perTransport: false,
  async measure({ folder }) {
    const redis = await RedisServer.start({ dataDir: join(folder, 'redis') });
    const app = await startApi(redis.url, join(folder, 'service'));
    try {
      const { url, key } = await prepare(app);
      return {
        measurements: [
          await login(url),
          await webhook(url),
          await reading(),
          ...(await outage(redis, (path, init) => fetch(`${url}${path}`, { ...init, headers: headersWith(key) }))),
        ],
      };
    } finally {
      await app.close();
      await redis.kill();
    }
  },
};

async function startApi(redisUrl: string, dataDir: string): Promise<NestFastifyApplication> {
  const configuration = loadConfiguration({
    ROLE: 'api',
    REDIS_URL: redisUrl,
    CLICKHOUSE_URL: 'http://127.0.0.1:1',
    DATA_DIR: dataDir,
    SPOOL_MAX_BYTES: '0',
    SHUTDOWN_GRACE_MS: '0',
    // Failed logins are counted by address: each here comes from another one.
    TRUSTED_PROXIES: '127.0.0.1',
  });
  const app = await createApplication(configuration, silent);
  await app.listen(0, '127.0.0.1');
  return app;
}

async function prepare(app: NestFastifyApplication): Promise<{ url: string; key: string }> {
  await app.get(Tenants).create({ slug: TENANT, name: TENANT, plan: 'free' });
  await app.get(Users).create({ tenantId: TENANT, email: EMAIL, password: 'correct horse' });
  await app.get(ShopifyAccounts).change(TENANT, { secrets: SECRETS });
  const { key } = await app.get(ApiKeys).create({ tenantId: TENANT, name: 'bench', type: 'secret', mode: 'test' });
  return { url: await app.getUrl(), key };
}

function login(url: string): Promise<Measurement> {
  let address = 0;
  const attempt = (email: string) => async () => {
    const { status } = await fetch(`${url}/api/auth/token/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': `198.18.0.${++address}` },
      body: JSON.stringify({ email, password: 'wrong horse' }),
    });
    expectStatus(status, 401);
  };
  return beside('login of an unknown user, beside a known one', attempt(EMAIL), attempt('nobody@example.com'), {
    ratioWithin: 1.3,
  });
}

function webhook(url: string): Promise<Measurement> {
  const body = Buffer.alloc(WEBHOOK_BYTES, ' ');
  const refuse = (tenantId: string) => async () => {
    expectStatus((await deliver(url, tenantId, { body, secret: 'wrong' })).status, 401);
  };
  return beside('forged 8 MB webhook of an unknown tenant, beside a known one', refuse(TENANT), refuse('nobody'), {
    ratioAtMost: 1.4,
  });
}

function reading(): Promise<Measurement> {
  const order = webhookFixture('orders/create').toString();
  const { line_items: lines } = JSON.parse(order) as { line_items: readonly unknown[] };
  const line = `${JSON.stringify(lines[0])},`;
  const text = order.replace('"line_items":[', `$&${line.repeat(Math.ceil(ORDER_BYTES / line.length))}`);
  const body = Buffer.from(text);
  const headers = readWebhookHeaders({ 'x-shopify-topic': 'orders/create', 'x-shopify-webhook-id': 'w1' });
  const receivedAt = Date.now();
  return beside(
    'reading a 10 MB order, beside JSON.parse',
    () => Promise.resolve(JSON.parse(text)),
    () => {
      const { kind } = readWebhook({ headers, body, receivedAt });
      if (kind !== 'event') throw new Error(`The order was read as ${kind}.`);
      return Promise.resolve();
    },
    { ratioAtMost: 15 },
  );
}

/** Callers hang up after some seconds, and Shopify after five: they are told within one. */
async function outage(
  redis: RedisServer,
  ask: (path: string, init?: RequestInit) => Promise<Response>,
): Promise<Measurement[]> {
  const track = (): Promise<Response> =>
    ask('/api/ingestion/track/', { method: 'POST', body: JSON.stringify({ user_id: 'u', event_type: 'page_viewed' }) });
  const limited = async (): Promise<void> => {
    expectStatus((await ask('/api/schemas/')).status, 200);
  };
  const refused = async (): Promise<void> => {
    expectStatus((await track()).status, 503);
  };
  const isTaken = async (): Promise<boolean> => (await track()).status === 202;
  await waitUntil(isTaken);
  process.kill(redis.pid, 'SIGSTOP');
  const measurements = [
    await within('limited call, the first while Redis is frozen', limited, 350),
    await within('limited call, the next', limited, 100),
    await within('503 while Redis is frozen', refused, 1_000),
    await within(
      'health while Redis is frozen',
      async () => {
        expectStatus((await ask('/api/ingestion/health/')).status, 503);
      },
      5_000,
    ),
  ];
  process.kill(redis.pid, 'SIGCONT');
  await waitUntil(isTaken);
  await redis.kill();
  return [...measurements, await within('503 while Redis is dead', refused, 1_000)];
}

async function beside(what: string, baseline: Call, subject: Call, bar: Bar): Promise<Measurement> {
  const times = await alternate(
    ROUNDS,
    () => elapsedMs(baseline),
    () => elapsedMs(subject),
  );
  return { what, value: median(times.subject), unit: 'ms', baseline: median(times.baseline), bar };
}

async function within(what: string, call: Call, atMost: number): Promise<Measurement> {
  return { what, value: await elapsedMs(call), unit: 'ms', bar: { atMost } };
}

async function elapsedMs(call: Call): Promise<number> {
  const startedAt = performance.now();
  await call();
  return performance.now() - startedAt;
}

function headersWith(key: string): Record<string, string> {
  return { authorization: `ApiKey ${key}`, 'content-type': 'application/json' };
}

function expectStatus(status: number, expected: number): void {
  if (status !== expected) throw new Error(`The answer was ${status}, and should have been ${expected}.`);
}
