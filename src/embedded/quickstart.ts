import { join } from 'node:path';
import { FolderLock, unwritable } from '../common/folder-lock.js';
import { messageOf } from '../common/operator.error.js';
import { ClickHouseServer } from './clickhouse.server.js';
import type { EmbeddedServer } from './embedded.server.js';
import { isPortFree } from './ports.js';
import { PubSubEmulator } from './pubsub.emulator.js';
import { QuickstartFile, shellQuoted } from './quickstart.file.js';
import { type QuickstartSettings, readQuickstartSettings, requireServers } from './quickstart.settings.js';
import { RedisServer } from './redis.server.js';
import { ServiceProcess } from './service.process.js';
import { SupervisedProcess } from './supervised.process.js';

const TENANT = 'acme';
const DIST = join(__dirname, '..');
const CREDENTIALS = [
  'SEGOPS_API_KEY',
  'SEGOPS_PUBLIC_KEY',
  'SEGOPS_HMAC_SECRET',
  'SEGOPS_EMAIL',
  'SEGOPS_PASSWORD',
  'SEGOPS_SHOPIFY_SECRET',
] as const;
type Credential = (typeof CREDENTIALS)[number];

interface Part {
  readonly name: string;
  readonly process: SupervisedProcess;
  stop: () => Promise<void>;
}

/** The running servers and service, in the order of their start. */
class RunningParts {
  /** Resolves with a message when the first part ends by itself. */
  readonly failure: Promise<string>;

  private readonly parts: Part[] = [];
  private fail: (message: string) => void = () => undefined;

  constructor() {
    this.failure = new Promise((resolve) => {
      this.fail = resolve;
    });
  }

  add(part: Part): void {
    this.parts.push(part);
    void part.process.ended.then(({ asked, how }) => {
      if (!asked) this.fail(`${part.name} ended by itself (${how}). Its last lines:\n${part.process.lastLines}`);
    });
  }

  /** Stops one after the other, in reverse order. */
  async stop(): Promise<void> {
    for (const part of this.parts.toReversed()) await part.stop();
  }
}

async function start(settings: QuickstartSettings, parts: RunningParts): Promise<void> {
  const { port, dataDir } = settings;
  const lock = lockFolder(dataDir);
  process.once('exit', () => lock.release());
  if (!(await isPortFree(port, '0.0.0.0'))) {
    throw new Error(`port ${port} is in use. Stop the process that listens on it, or set PORT to another one.`);
  }
  await requireServers(settings);

  const [clickHouseUrl, redisUrl, pubSub] = await Promise.all([
    settings.clickHouseUrl ?? startServer(parts, ClickHouseServer.start({ dataDir: join(dataDir, 'clickhouse') })),
    settings.redisUrl ?? startRedis(settings, parts),
    settings.transport === 'pubsub' ? preparePubSub(settings, parts) : undefined,
  ]);
  const env = {
    // There is no load balancer that must notice the end.
    SHUTDOWN_GRACE_MS: '0',
    ...process.env,
    ROLE: 'all',
    PORT: String(port),
    DATA_DIR: dataDir,
    TRANSPORT: settings.transport,
    CLICKHOUSE_URL: clickHouseUrl,
    // Undefined variables are not set.
    REDIS_URL: redisUrl,
    ...pubSub,
  };
  const file = new QuickstartFile(join(dataDir, 'quickstart.env'));
  const url = `http://127.0.0.1:${port}`;
  const isSeeded = CREDENTIALS.every((name) => file.read()[name] !== undefined);
  file.write({
    SEGOPS_URL: url,
    SEGOPS_TENANT: TENANT,
    ...(isSeeded ? {} : await createCredentials(env)),
    CLICKHOUSE_URL: clickHouseUrl,
    REDIS_URL: redisUrl,
  });

  const logFile = join(dataDir, 'logs', 'service.log');
  const service = ServiceProcess.spawn({ main: join(DIST, 'main.js'), env, url, logFile, show: say });
  parts.add(service);
  await service.ready();
  say(summary(url, clickHouseUrl, settings));
}

function lockFolder(dataDir: string): FolderLock {
  try {
    return FolderLock.take(dataDir, 'Stop that `npm start`, or set DATA_DIR and PORT to run beside it.');
  } catch (error) {
    throw unwritable(dataDir, error, 'Set DATA_DIR to a folder that you can write.');
  }
}

/** @returns undefined for the spool, which needs no Redis */
async function startRedis(
  { transport, dataDir }: QuickstartSettings,
  parts: RunningParts,
): Promise<string | undefined> {
  switch (transport) {
    case 'bullmq':
    case 'pubsub':
      return startServer(parts, RedisServer.start({ dataDir: join(dataDir, 'redis') }));
    case 'spool':
      return undefined;
    default:
      return transport satisfies never;
  }
}

/**
 * Settings with a topic that exists: in the operator's project of Google's service, in the named emulator, or in one started
 * here.
 */
async function preparePubSub(
  { dataDir, pubSubEmulatorHost, pubSubProject }: QuickstartSettings,
  parts: RunningParts,
): Promise<Record<string, string | undefined>> {
  const isGoogles = pubSubProject !== undefined && pubSubEmulatorHost === undefined;
  const url =
    isGoogles || pubSubEmulatorHost
      ? undefined
      : await startServer(parts, PubSubEmulator.start({ dataDir: join(dataDir, 'pubsub') }));
  const settings = {
    PUBSUB_PROJECT: pubSubProject ?? 'segops-local',
    PUBSUB_EMULATOR_HOST: url === undefined ? pubSubEmulatorHost : new URL(url).host,
  };
  await runCli({ ...process.env, ...settings }, ['pubsub', 'create'], 'the topic could not be created');
  return settings;
}

async function startServer(parts: RunningParts, starting: Promise<EmbeddedServer>): Promise<string> {
  const startedAt = performance.now();
  const server = await starting;
  parts.add(server);
  say(`${server.name} is ready (${Math.round(performance.now() - startedAt)} ms)`);
  return server.url;
}

/** Creates the tenant, a user and credentials, which are shown only here. */
async function createCredentials(env: NodeJS.ProcessEnv): Promise<Record<Credential, string>> {
  const failure = `the tenant ${TENANT} could not be created`;
  const printed = await runCli(env, ['seed', '--tenant', TENANT, '--embedded', '--json'], failure);
  const answer = printed.split('\n').findLast((line) => line.startsWith('{'));
  if (answer === undefined) throw new Error(`${failure}:\n${printed}`);
  const seeded = JSON.parse(answer) as Record<string, string>;
  return {
    SEGOPS_API_KEY: seeded['key'] ?? '',
    SEGOPS_PUBLIC_KEY: seeded['publicKey'] ?? '',
    SEGOPS_HMAC_SECRET: seeded['hmacSecret'] ?? '',
    SEGOPS_EMAIL: seeded['email'] ?? '',
    SEGOPS_PASSWORD: seeded['password'] ?? '',
    SEGOPS_SHOPIFY_SECRET: seeded['shopifySecret'] ?? '',
  };
}

/** @returns what it printed. @throws Error that begins with `failure` */
async function runCli(env: NodeJS.ProcessEnv, words: readonly string[], failure: string): Promise<string> {
  const cli = SupervisedProcess.spawn({ command: process.execPath, args: [join(DIST, 'cli.js'), ...words], env });
  const { code, how } = await cli.ended;
  if (code !== 0) throw new Error(`${failure} (${how}):\n${cli.lastLines}`);
  return cli.lastLines;
}

function summary(url: string, clickHouseUrl: string, settings: QuickstartSettings): string {
  const { shownDataDir: dataDir } = settings;
  const env = join(dataDir, 'quickstart.env');
  const source = shellQuoted(/^[./]/.test(env) ? env : `./${env}`);
  return `
SegOps Ingestion is ready.
  API         ${url}/api/ingestion/
  Queue       ${describeQueue(settings)}
  ClickHouse  ${clickHouseUrl.replace(/\/\/[^@/]*@/, '//')}
  Settings    ${env} (URLs, keys and a login of tenant ${TENANT})
  Log         ${join(dataDir, 'logs', 'service.log')}

Send an event:
  . ${source} && curl -sS "$SEGOPS_URL/api/ingestion/track/" -H "Authorization: ApiKey $SEGOPS_API_KEY" -H 'Content-Type: application/json' -d '{"user_id":"u1","event_type":"page_viewed","payload":{"path":"/"}}'

See it in ClickHouse:
  . ${source} && curl -sS "$CLICKHOUSE_URL" --data-binary 'SELECT * EXCEPT id FROM events ORDER BY received_at DESC LIMIT 1 FORMAT Vertical'

Ctrl-C stops everything; the data stays in ${dataDir}.`;
}

function describeQueue({
  transport,
  shownDataDir: dataDir,
  pubSubProject,
  pubSubEmulatorHost,
}: QuickstartSettings): string {
  switch (transport) {
    case 'bullmq':
      return 'Redis (TRANSPORT=bullmq)';
    case 'pubsub':
      return pubSubProject !== undefined && pubSubEmulatorHost === undefined
        ? `Google Pub/Sub, project ${pubSubProject} (TRANSPORT=pubsub)`
        : 'Pub/Sub’s emulator (TRANSPORT=pubsub), in memory: what is not stored when it ends is lost';
    case 'spool':
      return `${join(dataDir, 'spool')} on this disk (TRANSPORT=spool)`;
    default:
      return transport satisfies never;
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Resolves at the first Ctrl-C or SIGTERM. A second one ends this process at once, and its children with it. */
async function interruption(): Promise<void> {
  return new Promise((resolve) => {
    let interrupted = false;
    const interrupt = (): void => {
      if (interrupted) process.exit(130);
      interrupted = true;
      say('\nStopping … (again to stop at once)');
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
    // npm does not pass SIGTERM on: it ends, and our parent changes.
    if (process.env['npm_lifecycle_event'] === undefined) return;
    const parent = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(watch);
      if (!interrupted) interrupt();
    }, 200);
  });
}

/** Runs until it is interrupted (exit code 0) or something fails (1). */
async function run(): Promise<number> {
  const parts = new RunningParts();
  const interrupted = interruption();
  let exitCode = 0;
  const fail = (message: string): void => {
    exitCode = 1;
    process.stderr.write(`npm start: ${message}\n`);
  };
  try {
    const started = start(await readQuickstartSettings(), parts);
    await Promise.race([interrupted, started.then(() => interrupted), parts.failure.then(fail)]);
  } catch (error) {
    fail(messageOf(error));
  }
  await parts.stop();
  return exitCode;
}

void run().then((exitCode) => process.exit(exitCode));
