import { Matches, MinLength, ValidateIf } from 'class-validator';
import {
  AddressList,
  Below,
  FitsPubSub,
  HashTagOnCluster,
  OneOf,
  PubSubId,
  RedisUrl,
  Setting,
  SpoolNeedsOneProcess,
  TogetherWith,
  UrlOf,
  WholeNumber,
} from './setting.decorators.js';

export const ROLES = ['all', 'api', 'worker'] as const;
/** What a process does: answer requests, store events, or both. */
export type Role = (typeof ROLES)[number];

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
/** The least severe level that is logged. */
export type LogLevel = (typeof LOG_LEVELS)[number];

export const TRANSPORT_NAMES = ['bullmq', 'pubsub', 'spool'] as const;
/** The queue that events are published to. */
export type TransportName = (typeof TRANSPORT_NAMES)[number];

const REDIS_DURABILITIES = ['required', 'warn'] as const;
/** What to do at start about a Redis that forgets accepted events: refuse to start, or go on and warn. */
export type RedisDurability = (typeof REDIS_DURABILITIES)[number];

/**
 * Every setting of the service, read once at start by `loadConfiguration`. The only definition of a setting: its type, its
 * default (the initial value), its limits and its meaning. `.env.example` and docs/settings.md follow from it. A required
 * setting starts as `''`, which its check refuses; one without an initial value may be left out.
 */
export class Configuration {
  @Setting('ROLE', 'What this process does: `api` answers requests, `worker` stores events, `all` does both.')
  @OneOf(ROLES)
  @SpoolNeedsOneProcess()
  readonly role: Role = 'all';

  @Setting('HOST', 'Address the HTTP server listens on.')
  @Matches(/^[\w.:-]+$/, { message: 'must be an IP address or a host name' })
  readonly host: string = '0.0.0.0';

  @Setting('PORT', 'Port the HTTP server listens on; 0 takes a free one.')
  @WholeNumber({ min: 0, max: 65_535 })
  readonly port: number = 8000;

  @Setting(
    'METRICS_PORT',
    'Port on which Prometheus finds `/metrics`, apart from the public one; without it there are none.',
    { example: '9464' },
  )
  @WholeNumber({ min: 0, max: 65_535 })
  readonly metricsPort?: number;

  @Setting('LOG_LEVEL', 'The least severe level that is logged.')
  @OneOf(LOG_LEVELS)
  readonly logLevel: LogLevel = 'info';

  @Setting(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OpenTelemetry collector that traces are sent to (OTLP over HTTP); without it there are none.',
    { example: 'http://otel-collector:4318' },
  )
  @UrlOf(['http', 'https'], 'http://host:port')
  readonly otlpEndpoint?: string;

  @Setting(
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    'The same for traces alone, used as it is, without `/v1/traces` added.',
    { example: 'http://otel-collector:4318/v1/traces' },
  )
  @UrlOf(['http', 'https'], 'http://host:port/path')
  readonly otlpTracesEndpoint?: string;

  @Setting('OTEL_TRACES_EXPORTER', '`none` sends no traces, whatever the endpoints.')
  @OneOf(['otlp', 'none'])
  readonly otelTracesExporter: 'otlp' | 'none' = 'otlp';

  @Setting('OTEL_SDK_DISABLED', '`true` sends none either.')
  @OneOf(['true', 'false'])
  readonly otelSdkDisabled: 'true' | 'false' = 'false';

  @Setting(
    'TRANSPORT',
    'The queue between the API and the worker. `bullmq` runs on Redis; `pubsub` is Google Pub/Sub; `spool` is a folder in `DATA_DIR`, for one process with `ROLE=all`.',
  )
  @OneOf(TRANSPORT_NAMES)
  readonly transport: TransportName = 'bullmq';

  @Setting(
    'REDIS_URL',
    'Redis with AOF on and `maxmemory-policy noeviction`. Required unless `TRANSPORT=spool`; without it limits and failed logins are counted in the process.',
    { example: 'redis://localhost:6379' },
  )
  @ValidateIf(({ transport, redisUrl }: Configuration) => transport !== 'spool' || redisUrl !== '')
  @RedisUrl()
  readonly redisUrl: string = '';

  @Setting(
    'REDIS_DURABILITY',
    'What to do at start about a Redis without AOF, or one that evicts: `required` refuses to start, `warn` starts and may lose accepted events.',
  )
  @OneOf(REDIS_DURABILITIES)
  readonly redisDurability: RedisDurability = 'required';

  @Setting(
    'QUEUE_MAX_BATCHES',
    'With this many batches waiting in Redis no more are put there, as is the case at 80 % of its memory. Each takes about 1 kB beside its events.',
  )
  @WholeNumber({ min: 1, max: 1_000_000_000 })
  readonly queueMaxBatches: number = 1_000_000;

  @Setting('PUBSUB_PROJECT', 'Google Cloud project of the topic. Required when `TRANSPORT=pubsub`.', {
    example: 'my-project',
  })
  @ValidateIf(({ transport, pubsubProject }: Configuration) => transport === 'pubsub' || pubsubProject !== '')
  @Matches(/^[a-z][a-z\d.:-]{2,62}[a-z\d]$/, { message: 'must be the id of a project' })
  readonly pubsubProject: string = '';

  @Setting('PUBSUB_TOPIC', 'Id of the topic that events are published to.')
  @PubSubId()
  readonly pubsubTopic: string = 'segops-events';

  @Setting('PUBSUB_SUBSCRIPTION', 'Id of the subscription that workers take them from.')
  @PubSubId()
  readonly pubsubSubscription: string = 'segops-events-worker';

  @Setting(
    'PUBSUB_EMULATOR_HOST',
    'Address of a Pub/Sub emulator, which keeps messages in memory, instead of Google’s service.',
    { example: '127.0.0.1:8085' },
  )
  @Matches(/^[\w.-]+:\d{1,5}$/, { message: 'must be host:port' })
  readonly pubsubEmulatorHost?: string;

  @Setting('QUEUE_PREFIX', 'Start of every Redis key, so that deployments can share a Redis.')
  @Matches(/^[\w{}-]{1,64}$/, { message: 'must be 1 to 64 letters, digits, "_", "-", "{" or "}"' })
  @HashTagOnCluster()
  readonly queuePrefix: string = 'segops';

  @Setting('CLICKHOUSE_URL', 'The warehouse. Without a path the database is `default`.', {
    example: 'http://default:password@localhost:8123/segops',
  })
  @UrlOf(['http', 'https'], 'http://user:password@host:port/database')
  readonly clickhouseUrl: string = '';

  @Setting(
    'CLICKHOUSE_CLUSTER',
    'The cluster, as `remote_servers` names it, that `CLICKHOUSE_URL` leads to a server of. Its tables are replicated, and divided among its shards.',
    { example: 'segops' },
  )
  @Matches(/^[\w-]{1,64}$/, { message: 'must be 1 to 64 letters, digits, "_" or "-"' })
  readonly clickhouseCluster?: string;

  @Setting(
    'DATABASE_URL',
    'PostgreSQL for tenants and keys. Without it an embedded one keeps them in `DATA_DIR`, for a single process.',
    { example: 'postgres://segops:password@localhost:5432/segops' },
  )
  @UrlOf(['postgres', 'postgresql'], 'postgres://user:password@host:port/database')
  readonly databaseUrl?: string;

  @Setting(
    'ENCRYPTION_KEY',
    'Encrypts stored secrets (Shopify’s, and those that sign user ids). The first key encrypts, all decrypt. Required with `DATABASE_URL`, the same on every instance: `openssl rand -hex 32`. Without both one is kept in `DATA_DIR`.',
    { example: '0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0' },
  )
  @Matches(/^[0-9a-f]{64}(?:,[0-9a-f]{64})*$/i, {
    message: 'must be 64 hexadecimal digits, or several such keys separated by commas',
  })
  readonly encryptionKey?: string;

  @Setting(
    'JWT_SECRET',
    'Signs access and session tokens (HS256). Without it and `JWT_PRIVATE_KEY` a secret is derived from `ENCRYPTION_KEY`.',
    { example: 'a-secret-of-at-least-32-characters' },
  )
  @MinLength(32, { message: 'must have at least 32 characters' })
  readonly jwtSecret?: string;

  @Setting(
    'JWT_PRIVATE_KEY',
    'Signs tokens instead of `JWT_SECRET`: an RSA, P-256 or Ed25519 key (PKCS #8, PEM; line breaks may be written `\\n`). Its public half is served at `/api/auth/jwks/`. Tokens of `JWT_SECRET`, if that is set too, stay valid.',
    { example: '-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIA==\\n-----END PRIVATE KEY-----' },
  )
  @Matches(/^-----BEGIN PRIVATE KEY-----[\s\S]+-----END PRIVATE KEY-----(?:\s|\\n)*$/, {
    message: 'must be a private key in PEM (PKCS #8)',
  })
  readonly jwtPrivateKey?: string;

  @Setting('OIDC_JWKS_URL', 'Accepts users’ access tokens of another issuer, signed with a key of this JWKS.', {
    example: 'https://login.example.com/.well-known/jwks.json',
  })
  @UrlOf(['https', 'http'], 'https://host/path')
  @TogetherWith('OIDC_ISSUER and OIDC_AUDIENCE', ['oidcIssuer', 'oidcAudience'])
  readonly oidcJwksUrl?: string;

  @Setting('OIDC_ISSUER', 'The `iss` that tokens of the other issuer must have.', {
    example: 'https://login.example.com/',
  })
  @Matches(/^\S+$/, { message: 'must be an issuer without spaces' })
  @TogetherWith('OIDC_JWKS_URL', ['oidcJwksUrl'])
  readonly oidcIssuer?: string;

  @Setting('OIDC_AUDIENCE', 'The `aud` that tokens of the other issuer must have.', { example: 'segops' })
  @Matches(/^\S+$/, { message: 'must be an audience without spaces' })
  @TogetherWith('OIDC_JWKS_URL', ['oidcJwksUrl'])
  readonly oidcAudience?: string;

  @Setting('OIDC_TENANT_CLAIM', 'The claim of tokens of the other issuer that holds the tenant’s slug.')
  @Matches(/^[^\s]{1,255}$/, { message: 'must be the name of a claim' })
  readonly oidcTenantClaim: string = 'tenant';

  @Setting(
    'TRUSTED_PROXIES',
    'Proxies whose `X-Forwarded-For` is believed. Logins and public keys are limited by client address, so name your load balancers.',
    { example: '10.0.0.0/8,127.0.0.1' },
  )
  @AddressList()
  readonly trustedProxies?: string;

  @Setting(
    'PUBLIC_SESSION_PERCENT',
    'What one session may use of what the plan allows its public key, in percent: of the calls a minute, and within 15 minutes of the events a month.',
  )
  @WholeNumber({ min: 1, max: 100 })
  readonly publicSessionPercent: number = 25;

  @Setting(
    'PUBLIC_ADDRESS_PERCENT',
    'What one client address may use of what the plan allows a public key, in percent: of the calls a minute, and within a day of the events a month.',
  )
  @WholeNumber({ min: 1, max: 100 })
  readonly publicAddressPercent: number = 50;

  @Setting('DATA_DIR', 'Folder for what the service keeps on local disk.')
  @Matches(/^[^\0]+$/, { message: 'must be the path of a folder' })
  readonly dataDir: string = '.data';

  @Setting(
    'SPOOL_MAX_BYTES',
    'What may wait in `DATA_DIR/spool` while the queue does not take events, in bytes; beyond it requests are answered 503. 0: they are at once. Each API process needs a disk that outlives it.',
  )
  @WholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER })
  readonly spoolMaxBytes: number = 1_073_741_824;

  @Setting('SPOOL_MIN_FREE_BYTES', 'What the spool leaves free on its disk, in bytes.')
  @WholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER })
  readonly spoolMinFreeBytes: number = 268_435_456;

  @Setting('MAX_BATCH_EVENTS', 'Events accepted in one batch request.')
  @WholeNumber({ min: 1, max: 10_000 })
  readonly maxBatchEvents: number = 500;

  @Setting('MAX_EVENT_BYTES', 'Size of one event, in bytes of JSON.')
  @WholeNumber({ min: 1024, max: 16_777_216 })
  readonly maxEventBytes: number = 262_144;

  @Setting('MAX_BODY_BYTES', 'Size of a request body of events after decompression, in bytes.')
  @WholeNumber({ min: 1024, max: 104_857_600 })
  @FitsPubSub()
  readonly maxBodyBytes: number = 5_242_880;

  @Setting(
    'WORKER_CONCURRENCY',
    'Batches a worker has in hand at the same time. Small ones are stored several at a time.',
  )
  @WholeNumber({ min: 1, max: 1000 })
  readonly workerConcurrency: number = 32;

  @Setting(
    'SHUTDOWN_GRACE_MS',
    'How long requests are still taken after SIGTERM, while `/readyz` says 503, in milliseconds. Longer than load balancers need to notice.',
  )
  @WholeNumber({ min: 0, max: 120_000 })
  @Below('SHUTDOWN_TIMEOUT_MS', 'shutdownTimeoutMs')
  readonly shutdownGraceMs: number = 5_000;

  @Setting(
    'SHUTDOWN_TIMEOUT_MS',
    'When a process ends in any case after SIGTERM, in milliseconds, the grace included. Keep it below the orchestrator’s limit.',
  )
  @WholeNumber({ min: 1000, max: 600_000 })
  readonly shutdownTimeoutMs: number = 25_000;

  /** Where spans are sent, as OpenTelemetry's variables say it; undefined: there are none. */
  get tracesUrl(): string | undefined {
    if (this.otelSdkDisabled === 'true' || this.otelTracesExporter === 'none') return undefined;
    return this.otlpTracesEndpoint ?? this.otlpEndpoint?.replace(/\/*$/, '/v1/traces');
  }
}
