import { Configuration } from './configuration.js';
import { ConfigurationError, loadConfiguration } from './load-configuration.js';

const REQUIRED = { REDIS_URL: 'redis://localhost:6379', CLICKHOUSE_URL: 'http://localhost:8123' };

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfiguration(env);
  } catch (error) {
    if (error instanceof ConfigurationError) {
      return error.problems;
    }
    throw error;
  }
  return [];
}

describe('loadConfiguration', () => {
  it('should use the defaults for what is not set', () => {
    const configuration = loadConfiguration(REQUIRED);
    expect(configuration).toBeInstanceOf(Configuration);
    expect(Object.fromEntries(Object.entries(configuration))).toEqual({
      role: 'all',
      host: '0.0.0.0',
      port: 8000,
      metricsPort: undefined,
      logLevel: 'info',
      otlpEndpoint: undefined,
      otlpTracesEndpoint: undefined,
      otelTracesExporter: 'otlp',
      otelSdkDisabled: 'false',
      transport: 'bullmq',
      redisUrl: 'redis://localhost:6379',
      pubsubProject: '',
      pubsubTopic: 'segops-events',
      pubsubSubscription: 'segops-events-worker',
      pubsubEmulatorHost: undefined,
      queueMaxBatches: 1_000_000,
      queuePrefix: 'segops',
      redisDurability: 'required',
      clickhouseUrl: 'http://localhost:8123',
      clickhouseCluster: undefined,
      databaseUrl: undefined,
      encryptionKey: undefined,
      jwtSecret: undefined,
      jwtPrivateKey: undefined,
      oidcJwksUrl: undefined,
      oidcIssuer: undefined,
      oidcAudience: undefined,
      oidcTenantClaim: 'tenant',
      trustedProxies: undefined,
      dataDir: '.data',
      spoolMaxBytes: 1_073_741_824,
      spoolMinFreeBytes: 268_435_456,
      maxBatchEvents: 500,
      maxEventBytes: 262_144,
      maxBodyBytes: 5_242_880,
      publicSessionPercent: 25,
      publicAddressPercent: 50,
      workerConcurrency: 32,
      shutdownGraceMs: 5_000,
      shutdownTimeoutMs: 25_000,
    });
  });

  it('should refuse a Redis Cluster whose password has a percent sign that encodes nothing', () => {
    const env = { ...REQUIRED, QUEUE_PREFIX: '{segops}', REDIS_URL: 'redis+cluster://u:100%@one:7000,two:7000' };
    expect(problemsOf(env)).toEqual([expect.stringMatching(/^REDIS_URL must be a URL/)]);
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, 'http://c:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318//' }, 'http://c:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/x' }, 'http://t/x'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_TRACES_EXPORTER: 'none' }, undefined],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/x', OTEL_SDK_DISABLED: 'true' }, undefined],
    [{}, undefined],
  ])('should send traces, with %p, to %p', (env, url) => {
    expect(loadConfiguration({ ...REQUIRED, ...env }).tracesUrl).toBe(url);
  });

  it('should refuse a grace that leaves no time for the rest of the shutdown', () => {
    expect(() => loadConfiguration({ ...REQUIRED, SHUTDOWN_TIMEOUT_MS: '5000' })).toThrow(
      'SHUTDOWN_GRACE_MS must be less than SHUTDOWN_TIMEOUT_MS',
    );
    expect(loadConfiguration({ ...REQUIRED, SHUTDOWN_TIMEOUT_MS: '5000', SHUTDOWN_GRACE_MS: '0' })).toMatchObject({
      shutdownGraceMs: 0,
    });
  });

  it('should read every kind of setting, without surrounding white space', () => {
    const configuration = loadConfiguration({
      ...REQUIRED,
      ROLE: 'worker',
      PORT: '0',
      DATABASE_URL: 'postgres://u:p@db/segops\n',
      QUEUE_PREFIX: '{segops}',
    });
    expect(configuration).toMatchObject({
      role: 'worker',
      port: 0,
      databaseUrl: 'postgres://u:p@db/segops',
      queuePrefix: '{segops}',
    });
  });

  it('should take an empty or blank variable as not set', () => {
    expect(loadConfiguration({ ...REQUIRED, PORT: '', ROLE: '  ', DATABASE_URL: '' })).toEqual(
      loadConfiguration(REQUIRED),
    );
  });

  it('should list all problems at once, each with the variable, the expectation and an example', () => {
    expect(problemsOf({ REDIS_URL: REQUIRED.REDIS_URL, PORT: 'http', TRANSPORT: 'kafka' })).toEqual([
      'PORT must be a whole number from 0 to 65535. Example: PORT=8000',
      'TRANSPORT must be one of: bullmq, pubsub, spool. Example: TRANSPORT=bullmq',
      'CLICKHOUSE_URL is not set; it must be a URL of the form http://user:password@host:port/database,' +
        ' with reserved characters percent-encoded. Example: CLICKHOUSE_URL=http://default:password@localhost:8123/segops',
    ]);
    expect(problemsOf({})).toHaveLength(2);
  });

  it('should want for Pub/Sub its project, a Redis, and requests that fit into its messages', () => {
    const pubsub = { ...REQUIRED, TRANSPORT: 'pubsub', PUBSUB_PROJECT: 'my-project' };
    expect(problemsOf(pubsub)).toEqual([]);
    expect(problemsOf({ ...pubsub, PUBSUB_PROJECT: '', REDIS_URL: '' })).toEqual([
      expect.stringMatching(/^REDIS_URL is not set/),
      'PUBSUB_PROJECT is not set; it must be the id of a project. Example: PUBSUB_PROJECT=my-project',
    ]);
    expect(problemsOf({ ...pubsub, MAX_BODY_BYTES: '10485760' })).toEqual([]);
    expect(problemsOf({ ...pubsub, MAX_BODY_BYTES: '10485761' })).toEqual([
      expect.stringContaining('MAX_BODY_BYTES must be 10485760 at most when TRANSPORT=pubsub'),
    ]);
    expect(problemsOf({ ...pubsub, TRANSPORT: 'bullmq', MAX_BODY_BYTES: '10485761' })).toEqual([]);
    expect(problemsOf({ ...pubsub, PUBSUB_TOPIC: 'google-events' })).toHaveLength(1);
  });

  it('should leave aside what is not needed', () => {
    expect(loadConfiguration({ PORT: 'http', DATA_DIR: '/data' }, ['dataDir'])).toMatchObject({ dataDir: '/data' });
    expect(() => loadConfiguration({ PORT: 'http' }, ['port'])).toThrow(ConfigurationError);
  });

  it('should not print the values of settings', () => {
    const secret = 'hunter2';
    const env = Object.fromEntries(
      ['ROLE', 'HOST', 'PORT', 'REDIS_URL', 'QUEUE_PREFIX', 'CLICKHOUSE_URL', 'DATABASE_URL', 'MAX_BATCH_EVENTS'].map(
        (name) => [name, `:${secret} /`],
      ),
    );
    expect(() => loadConfiguration(env)).toThrow(ConfigurationError);
    expect(problemsOf(env)).toHaveLength(8);
    expect(problemsOf(env).join()).not.toContain(secret);
  });

  it.each(['-1', '1.5', '1e3', '0x10', '65536', '٣', '8000 9000', '99999999999999999999'])(
    'should refuse %p as a port',
    (value) => {
      expect(problemsOf({ ...REQUIRED, PORT: value })).toHaveLength(1);
    },
  );

  it.each([
    ['REDIS_URL', 'http://localhost:6379'],
    ['REDIS_URL', 'localhost:6379'],
    ['REDIS_URL', 'redis+cluster://'],
    ['REDIS_URL', 'redis+cluster://one:7000,'],
    ['REDIS_URL', 'redis+cluster://one:7000,two:port'],
    ['REDIS_URL', 'redis+cluster://one:7000/1'],
    ['CLICKHOUSE_URL', 'clickhouse://localhost:9000'],
    ['CLICKHOUSE_URL', 'http://'],
    ['CLICKHOUSE_URL', 'http://host:port'],
    ['DATABASE_URL', 'mysql://localhost/segops'],
    // A percent sign that encodes nothing.
    ['CLICKHOUSE_URL', 'http://clickhouse.example/100%'],
    ['REDIS_URL', 'redis://:100%@cache.example'],
  ])('should refuse %s=%s', (name, value) => {
    expect(problemsOf({ ...REQUIRED, [name]: value })).toEqual([
      expect.stringMatching(new RegExp(`^${name} must be a URL`)),
    ]);
  });

  it.each([
    ['ENCRYPTION_KEY', 'a'.repeat(63), 'must be 64 hexadecimal digits'],
    ['JWT_SECRET', 'short', 'must have at least 32 characters'],
    ['JWT_PRIVATE_KEY', 'secret', 'must be a private key in PEM'],
    ['OIDC_JWKS_URL', 'https://login.example.com/jwks', 'must be set together with OIDC_ISSUER and OIDC_AUDIENCE'],
    ['OIDC_ISSUER', 'https://login.example.com', 'must be set together with OIDC_JWKS_URL'],
    ['TRUSTED_PROXIES', '10.0.0.0/33', 'must be IP addresses or networks'],
    ['TRUSTED_PROXIES', 'proxy.example.com', 'must be IP addresses or networks'],
  ])('should refuse %s=%s', (name, value, problem) => {
    expect(problemsOf({ ...REQUIRED, [name]: value })).toEqual([expect.stringContaining(`${name} ${problem}`)]);
  });

  it.each(['redis+cluster://one:7000,two:7000', 'rediss+cluster://u:p%40ss@[::1]:7000/', 'redis+cluster://one'])(
    'should accept the Redis Cluster %s, with a prefix that puts all keys into one slot',
    (url) => {
      expect(problemsOf({ ...REQUIRED, REDIS_URL: url, QUEUE_PREFIX: 'a-{segops}-b' })).toEqual([]);
      for (const prefix of ['segops', '{}segops', '}segops{']) {
        expect(problemsOf({ ...REQUIRED, REDIS_URL: url, QUEUE_PREFIX: prefix })).toEqual([
          expect.stringContaining('QUEUE_PREFIX must hold a hash tag, as {segops} does'),
        ]);
      }
    },
  );

  it.each([
    ['TRUSTED_PROXIES', '10.0.0.0/8, ::1'],
    ['ENCRYPTION_KEY', `${'0'.repeat(64)},${'F'.repeat(64)}`],
    ['REDIS_URL', 'rediss://:p%40ss@cache.example:6380/2'],
    ['CLICKHOUSE_URL', 'http://us%40er:p%2Fss@clickhouse.example/my%20events'],
    ['CLICKHOUSE_URL', 'https://u:p@warehouse.example:8443/events?x=1'],
    ['DATABASE_URL', 'postgresql:///segops?host=/run/postgresql'],
  ])('should accept %s=%s', (name, value) => {
    expect(problemsOf({ ...REQUIRED, [name]: value })).toEqual([]);
  });
});
