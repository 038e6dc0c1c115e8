import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq, sql } from 'drizzle-orm';
import { Redis } from 'ioredis';
import request from 'supertest';
import { RedisServer } from '../../src/embedded/redis.server.js';
import { ControlPlaneDatabase } from '../../src/tenants/control-plane.database.js';
import { Passwords } from '../../src/tenants/passwords.js';
import { refreshTokens } from '../../src/tenants/schema.js';
import { Users } from '../../src/tenants/users.service.js';
import { TEST_ENCRYPTION_KEY } from '../support/control-plane.services.js';
import { postgresIsInstalled, PostgresServer } from '../support/postgres.server.js';
import { freshRedisPrefix, sharedRedisUrl } from '../support/servers.js';
import { startService, type TestService } from '../support/service.js';
import { waitUntil } from '../support/wait-until.js';

const PASSWORD = 'correct horse';
const WRONG = { detail: 'The email address or the password is wrong.' };
/** The tests speak for clients behind a load balancer, each from an address of its own. */
const BEHIND_A_PROXY = { ROLE: 'api', TRUSTED_PROXIES: '127.0.0.1' };

let addresses = 0;
let people = 0;

/** An address that no other test uses. */
function newAddress(): string {
  addresses++;
  return `198.18.${addresses >> 8}.${addresses & 255}`;
}

interface Person {
  readonly id: string;
  readonly email: string;
  readonly tenantId: string;
}

async function createPerson(service: TestService): Promise<Person> {
  const { tenantId } = await service.createTenant();
  return service.app.get(Users).create({ tenantId, email: `person-${++people}@example.com`, password: PASSWORD });
}

function post(service: TestService, path: string, body: object | string, address = newAddress()): request.Test {
  return request(service.url)
    .post(`/api/auth/token/${path}`)
    .set({ 'x-forwarded-for': address, 'content-type': 'application/json' })
    .send(body);
}

function logIn(service: TestService, email: string, password = PASSWORD, address?: string): request.Test {
  return post(service, '', { email, password }, address);
}

interface Pair {
  readonly access: string;
  readonly refresh: string;
}

async function loggedIn(service: TestService, { email }: Person): Promise<Pair> {
  const response = await logIn(service, email);
  expect(response.status).toBe(200);
  return response.body as Pair;
}

async function statusesOf(count: number, attempt: () => request.Test): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) statuses.push((await attempt()).status);
  return statuses;
}

/** What a user may read with an access token. */
async function readWith(service: TestService, access: string): Promise<number> {
  return (await request(service.url).get('/api/schemas/').set('authorization', `Bearer ${access}`)).status;
}

describe('logging in', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startService(BEHIND_A_PROXY);
  });
  afterAll(async () => {
    await service.stop();
  });

  const refresh = (token: string) => post(service, 'refresh/', { refresh: token });

  it('should give an access token that works, and a refresh token, to nobody’s cache', async () => {
    const { email } = await createPerson(service);
    const response = await logIn(service, ` ${email.toUpperCase()} `);
    expect(response.status).toBe(200);
    expect(response.headers['cache-control']).toBe('no-store');
    expect(response.body).toEqual({ access: expect.any(String), refresh: expect.stringMatching(/^rt_[\w-]{43}$/) });
    expect(await readWith(service, (response.body as Pair).access)).toBe(200);
  });

  it('should work without the trailing slash', async () => {
    const { email } = await createPerson(service);
    const response = await request(service.url).post('/api/auth/token').send({ email, password: PASSWORD });
    expect(response.status).toBe(200);
  });

  it('should answer a wrong password, an unknown address and what is no address with the same words', async () => {
    const { email } = await createPerson(service);
    for (const [address, password] of [
      [email, 'wrong horse'],
      ['nobody@example.com', PASSWORD],
      ['no address', PASSWORD],
      ['null\u0000@example.com', PASSWORD],
      [email, 'x'.repeat(1_000)],
    ] as const) {
      const response = await logIn(service, address, password);
      expect({ status: response.status, body: response.body as unknown }).toEqual({ status: 401, body: WRONG });
      expect(response.headers['cache-control']).toBe('no-store');
    }
  });

  it('should check the password for an unknown address too, once, so that nobody can tell by the clock', async () => {
    const { email } = await createPerson(service);
    const matches = jest.spyOn(service.app.get(Passwords), 'matches');
    for (const address of [email, 'nobody@example.com', 'no address']) {
      await logIn(service, address, 'wrong horse').expect(401);
    }
    expect(matches.mock.calls).toEqual([
      ['wrong horse', expect.stringMatching(/^\$argon2id/)],
      ['wrong horse', undefined],
      ['wrong horse', undefined],
    ]);
    matches.mockRestore();
  });

  it.each([
    [{}, { email: ['is required.'], password: ['is required.'] }],
    [{ email: 'a@b.c', password: null }, { password: ['is required.'] }],
    [
      { email: ['a@b.c'], password: 1 },
      { email: ['must be a string.'], password: ['must be a string.'] },
    ],
    [
      { email: '', password: '' },
      { email: ['must not be empty.'], password: ['must not be empty.'] },
    ],
    [{ email: 'a@b.c', password: 'x'.repeat(1_025) }, { password: ['must have at most 1024 characters.'] }],
  ])('should answer 400 by field to %j', async (body, fields) => {
    const response = await post(service, '', body);
    expect({ status: response.status, body: response.body as unknown }).toEqual({ status: 400, body: fields });
  });

  it.each(['refresh/', 'revoke/'])('should answer 400 by field when %s is sent no token', async (path) => {
    for (const [body, message] of [
      [{}, 'is required.'],
      [{ refresh: 1 }, 'must be a string.'],
    ] as const) {
      const response = await post(service, path, body);
      expect({ status: response.status, body: response.body as unknown }).toEqual({
        status: 400,
        body: { refresh: [message] },
      });
    }
  });

  it.each(['', 'null', '[]', '"text"', '{'])('should answer 400 to the body %j', async (body) => {
    const response = await post(service, '', body);
    expect(response.status).toBe(400);
  });

  it('should give an access token, and nothing else, for the same refresh token again and again', async () => {
    const { refresh: token } = await loggedIn(service, await createPerson(service));
    for (let i = 0; i < 3; i++) {
      const response = await refresh(token);
      expect(response.status).toBe(200);
      expect(response.headers['cache-control']).toBe('no-store');
      expect(response.body).toEqual({ access: expect.any(String) as string });
      expect(await readWith(service, (response.body as Pair).access)).toBe(200);
    }
  });

  it('should log nobody out whose two tabs refresh at once, or who lost the answer', async () => {
    const { refresh: token } = await loggedIn(service, await createPerson(service));
    const tabs = await Promise.all(Array.from({ length: 6 }, () => refresh(token)));
    expect(tabs.map(({ status }) => status)).toEqual(tabs.map(() => 200));
    expect((await refresh(token)).status).toBe(200);
  });

  it('should refuse every refresh token that is not good with the same words', async () => {
    const person = await createPerson(service);
    const [expired, revoked] = [await loggedIn(service, person), await loggedIn(service, person)];
    await service.app
      .get(ControlPlaneDatabase)
      .db.update(refreshTokens)
      .set({ expiresAt: sql`now() - interval '1 second'` })
      .where(eq(refreshTokens.userId, person.id));
    await post(service, 'revoke/', { refresh: revoked.refresh });
    const refusals = await Promise.all(
      [expired.refresh, revoked.refresh, `rt_${'A'.repeat(43)}`, 'hello', expired.access].map(refresh),
    );
    expect(refusals.map(({ status }) => status)).toEqual(refusals.map(() => 401));
    expect(new Set(refusals.map(({ text }) => text)).size).toBe(1);
  });

  it('should end a login, and answer 204 also when there was none to end', async () => {
    const { refresh: token } = await loggedIn(service, await createPerson(service));
    expect((await refresh(token)).status).toBe(200);
    expect(await statusesOf(2, () => post(service, 'revoke/', { refresh: token }))).toEqual([204, 204]);
    expect((await post(service, 'revoke/', { refresh: 'hello' })).status).toBe(204);
    expect((await refresh(token)).status).toBe(401);
  });

  it('should end the logins of a user that is removed, access tokens too, and let nobody log in as it', async () => {
    const person = await createPerson(service);
    const { refresh: token, access } = await loggedIn(service, person);
    expect(await readWith(service, access)).toBe(200);
    await service.app.get(Users).remove(person.email);
    expect((await refresh(token)).status).toBe(401);
    expect(await readWith(service, access)).toBe(401);
    expect((await logIn(service, person.email)).body).toEqual(WRONG);
  });

  it('should let a user in at several places at once', async () => {
    const { email } = await createPerson(service);
    const address = newAddress();
    const logins = await Promise.all(Array.from({ length: 12 }, () => logIn(service, email, PASSWORD, address)));
    expect(logins.map(({ status }) => status)).toEqual(logins.map(() => 200));
  });
});

describe('guessing passwords', () => {
  let service: TestService;
  let queuePrefix: string;

  beforeAll(async () => {
    queuePrefix = freshRedisPrefix();
    service = await startService({ ...BEHIND_A_PROXY, QUEUE_PREFIX: queuePrefix });
  });
  afterAll(async () => {
    await service.stop();
  });

  it('should be stopped after five failures at one account from one address, whatever the password', async () => {
    const { email } = await createPerson(service);
    const address = newAddress();
    expect(await statusesOf(5, () => logIn(service, email, 'wrong horse', address))).toEqual(Array(5).fill(401));
    const [wrong, right] = [
      await logIn(service, email, 'wrong horse', address),
      await logIn(service, email, PASSWORD, address),
    ];
    for (const { status, headers, body } of [wrong, right]) {
      expect({ status, body: body as unknown }).toEqual({
        status: 429,
        body: { detail: expect.stringMatching(/^Too many logins have failed\. Try again in \d+ s\.$/) },
      });
      expect(Number(headers['retry-after'])).toBeGreaterThan(800);
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(900);
    }
  });

  it('should be stopped in the same way where there is no account', async () => {
    const address = newAddress();
    const statuses = await statusesOf(7, () => logIn(service, 'nobody-1@example.com', 'wrong horse', address));
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  });

  it('should be stopped as soon when the guesses come all at once', async () => {
    const { email } = await createPerson(service);
    const address = newAddress();
    const answers = await Promise.all(Array.from({ length: 20 }, () => logIn(service, email, 'wrong horse', address)));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
  });

  it('should not keep the owner out, who comes from another address', async () => {
    const { email } = await createPerson(service);
    const address = newAddress();
    await statusesOf(30, () => logIn(service, email, 'wrong horse', address));
    expect((await logIn(service, email)).status).toBe(200);
  });

  it('should be forgiven by a success', async () => {
    const { email } = await createPerson(service);
    const address = newAddress();
    for (let round = 0; round < 2; round++) {
      expect(await statusesOf(4, () => logIn(service, email, 'wrong horse', address))).toEqual(Array(4).fill(401));
      expect((await logIn(service, email, PASSWORD, address)).status).toBe(200);
    }
  });

  it('should be stopped after 50 failures from one address, and nobody else with it', async () => {
    const { email } = await createPerson(service);
    const address = newAddress();
    let n = 0;
    const guess = () => logIn(service, `nobody-of-many-${n++}@example.com`, 'wrong horse', address);
    expect(await statusesOf(50, guess)).toEqual(Array(50).fill(401));
    expect((await guess()).status).toBe(429);
    expect((await logIn(service, email, PASSWORD, address)).status).toBe(429);
    expect((await logIn(service, email)).status).toBe(200);
  });

  it('should take the addresses of one IPv6 network for one', async () => {
    const { email } = await createPerson(service);
    let n = 0;
    const guess = () => logIn(service, email, 'wrong horse', `2001:db8:7:7::${++n}`);
    expect(await statusesOf(6, guess)).toEqual([401, 401, 401, 401, 401, 429]);
    expect((await logIn(service, email, PASSWORD, '2001:db8:7:8::1')).status).toBe(200);
  });

  describe('of one account from many addresses', () => {
    /** Without the time that so many passwords take. */
    const failElsewhere = async (email: string, failures: number) => {
      const redis = new Redis(sharedRedisUrl());
      await redis.set(`${queuePrefix}:logins:account:${hash('sha256', email)}`, failures, 'EX', 900);
      redis.disconnect();
    };

    it('should leave one attempt to each after 100 failures, which the owner may need', async () => {
      const { email } = await createPerson(service);
      expect(await statusesOf(100, () => logIn(service, email, 'wrong horse'))).toEqual(Array(100).fill(401));
      const address = newAddress();
      expect(await statusesOf(3, () => logIn(service, email, 'wrong horse', address))).toEqual([401, 429, 429]);
      expect((await logIn(service, email, PASSWORD, address)).status).toBe(429);
      expect((await logIn(service, email)).status).toBe(200);
    });

    it('should be stopped after 300 failures, but for networks that the owner has logged in from', async () => {
      const { email } = await createPerson(service);
      const home = newAddress();
      expect((await logIn(service, email, PASSWORD, home)).status).toBe(200);
      await failElsewhere(email, 299);
      expect(await statusesOf(3, () => logIn(service, email, 'wrong horse'))).toEqual([401, 429, 429]);
      const refused = await logIn(service, email);
      expect(refused.status).toBe(429);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(800);
      expect(await statusesOf(4, () => logIn(service, email, 'wrong horse', home))).toEqual(Array(4).fill(401));
      expect((await logIn(service, email, PASSWORD, home)).status).toBe(200);
      expect(await statusesOf(6, () => logIn(service, email, 'wrong horse', home))).toEqual([
        ...[401, 401, 401, 401, 401],
        429,
      ]);
    });
  });

  it('should take 20 attempts of a network at once, and keep nobody of another waiting', async () => {
    const { email } = await createPerson(service);
    const address = newAddress();
    const held: (() => void)[] = [];
    const authenticate = jest.spyOn(service.app.get(Users), 'authenticate');
    authenticate.mockImplementation(
      () =>
        new Promise((resolve) =>
          held.push(() => {
            resolve(undefined);
          }),
        ),
    );
    const attempt = async (account: string) => {
      const { status, headers } = await logIn(service, account, 'wrong horse', address);
      return { status, retryAfter: headers['retry-after'] as unknown };
    };
    const first = attempt(email);
    await waitUntil(() => held.length === 1);
    const others = Array.from({ length: 24 }, (_, i) => attempt(`nobody-at-once-${i}@example.com`));
    await waitUntil(() => held.length === 20);
    authenticate.mockRestore();
    expect((await logIn(service, email)).status).toBe(200);
    for (const release of held) release();
    expect((await first).status).toBe(401);
    const answers = await Promise.all(others);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
    expect(answers.filter(({ status, retryAfter }) => status === 429 && retryAfter === '1')).toHaveLength(5);
  });

  it('should not be counted where a client only says that it is another', async () => {
    const untrusting = await startService({ ROLE: 'api' });
    try {
      const guess = () => logIn(untrusting, 'nobody@example.com', 'wrong horse');
      expect(await statusesOf(6, guess)).toEqual([401, 401, 401, 401, 401, 429]);
    } finally {
      await untrusting.stop();
    }
  });

  it('should leave no email address in Redis', async () => {
    const { email } = await createPerson(service);
    await logIn(service, email, 'wrong horse');
    const redis = new Redis(sharedRedisUrl());
    try {
      const keys = await redis.keys(`${queuePrefix}:logins:*`);
      expect(keys.length).toBeGreaterThan(2);
      expect(keys.filter((key) => key.includes('@') || key.includes('person'))).toEqual([]);
      const ttls = await Promise.all(keys.map((key) => redis.ttl(key)));
      expect(Math.min(...ttls)).toBeGreaterThan(0);
    } finally {
      redis.disconnect();
    }
  });
});

(postgresIsInstalled ? describe : describe.skip)('logins on two instances with one PostgreSQL', () => {
  let postgres: PostgresServer;
  let instances: [TestService, TestService];

  beforeAll(async () => {
    postgres = await PostgresServer.start();
    const environment = {
      ...BEHIND_A_PROXY,
      DATABASE_URL: postgres.url,
      ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
      QUEUE_PREFIX: freshRedisPrefix(),
    };
    instances = await Promise.all([startService(environment), startService(environment)]);
  });
  afterAll(async () => {
    await Promise.all(instances.map((instance) => instance.stop()));
    await postgres.stop();
  });

  it('should count failures together', async () => {
    const [one, two] = instances;
    const { email } = await createPerson(one);
    const address = newAddress();
    expect(await statusesOf(3, () => logIn(one, email, 'wrong horse', address))).toEqual([401, 401, 401]);
    expect(await statusesOf(3, () => logIn(two, email, 'wrong horse', address))).toEqual([401, 401, 429]);
    expect((await logIn(one, email, PASSWORD, address)).status).toBe(429);
  });

  it('should take the tokens of the other, and the same refresh token on both', async () => {
    const [one, two] = instances;
    const { access, refresh } = await loggedIn(one, await createPerson(one));
    expect(await readWith(two, access)).toBe(200);
    const answers = await Promise.all(instances.map((instance) => post(instance, 'refresh/', { refresh })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });

  it.each<[string, (users: Users, email: string) => Promise<unknown>]>([
    ['has another password', (users, email) => users.setPassword(email, 'another horse')],
    ['was removed', (users, email) => users.remove(email)],
  ])('should refuse on both, at once, all tokens of a user who %s', async (_, change) => {
    const [one, two] = instances;
    const person = await createPerson(one);
    const { access, refresh } = await loggedIn(one, person);
    const { access: next } = (await post(two, 'refresh/', { refresh })).body as Pair;
    for (const instance of instances) expect(await readWith(instance, access)).toBe(200);
    await change(two.app.get(Users), person.email);
    for (const instance of instances) {
      expect(await readWith(instance, access)).toBe(401);
      expect(await readWith(instance, next)).toBe(401);
      expect((await post(instance, 'refresh/', { refresh })).status).toBe(401);
    }
  });

  it('should answer 503 with Retry-After, and never 401, while the control plane is away', async () => {
    const [one] = instances;
    const person = await createPerson(one);
    const { refresh } = await loggedIn(one, person);
    await postgres.pause();
    const answers = [
      await logIn(one, person.email),
      await post(one, 'refresh/', { refresh }),
      await post(one, 'revoke/', { refresh }),
    ];
    expect(answers.map(({ status, headers }) => [status, headers['retry-after']])).toEqual(
      answers.map(() => [503, '2']),
    );
    await postgres.resume();
    await waitUntil(async () => (await post(one, 'refresh/', { refresh })).status === 200);
  });
});

describe('logins without Redis', () => {
  let dataDir: string;
  let server: RedisServer;
  let service: TestService;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'segops-login-'));
    server = await RedisServer.start({ dataDir });
    service = await startService({ ...BEHIND_A_PROXY, REDIS_URL: server.url });
  });
  afterEach(async () => {
    await service.stop();
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('should work, and be limited, while Redis is down', async () => {
    const { email } = await createPerson(service);
    await server.stop();
    const address = newAddress();
    expect((await logIn(service, email, PASSWORD, address)).status).toBe(200);
    const statuses = await statusesOf(6, () => logIn(service, email, 'wrong horse', address));
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    expect((await logIn(service, email)).status).toBe(200);
  });

  it('should not wait for a frozen Redis, and be limited', async () => {
    const { email } = await createPerson(service);
    process.kill(server.pid, 'SIGSTOP');
    try {
      const address = newAddress();
      expect((await logIn(service, email, PASSWORD, address)).status).toBe(200);
      const statuses = await statusesOf(6, () => logIn(service, email, 'wrong horse', address));
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
  });
});
