import { CommandLine } from '../../test/support/command.line.js';

describe('The plan commands', () => {
  let cli: CommandLine;

  beforeAll(async () => {
    cli = await CommandLine.start();
    await run('tenant', 'create', 'acme');
  });
  afterAll(() => cli.stop());

  const run = (...words: string[]) => cli.run(...words);

  it('should put a tenant on a plan, and show its limits to people and to scripts', async () => {
    const free = 'acme is on the plan free: 60 calls a minute, 500000 events a month.\n';
    expect(await run('plan', 'show', 'acme')).toEqual({ code: 0, out: free, err: '' });
    const business = 'acme is on the plan business: 1000 calls a minute, 50000000 events a month.\n';
    expect(await run('plan', 'set', 'acme', 'business')).toEqual({ code: 0, out: business, err: cli.place });
    expect((await run('plan', 'show', 'acme')).out).toBe(business);
    expect(JSON.parse((await run('plan', 'set', 'acme', 'enterprise', '--json')).out)).toEqual({
      tenant: 'acme',
      plan: 'enterprise',
      callsPerMinute: null,
      eventsPerMonth: null,
    });
    expect((await run('plan', 'show', 'acme')).out).toBe(
      'acme is on the plan enterprise: unlimited calls a minute, unlimited events a month.\n',
    );
  });

  it('should set limits that were agreed, until the plan is set without them', async () => {
    const agreed = ['--calls-per-minute', '2147483647', '--events-per-month', '9007199254740991'];
    expect((await run('plan', 'set', 'acme', 'enterprise', ...agreed)).out).toBe(
      'acme is on the plan enterprise: 2147483647 calls a minute, 9007199254740991 events a month.\n',
    );
    await run('plan', 'set', 'acme', 'starter', '--calls-per-minute', '1');
    expect(JSON.parse((await run('plan', 'show', 'acme', '--json')).out)).toEqual({
      tenant: 'acme',
      plan: 'starter',
      callsPerMinute: 1,
      eventsPerMonth: 5_000_000,
    });
  });

  it.each([
    ['--calls-per-minute', '0'],
    ['--calls-per-minute', '-5'],
    ['--calls-per-minute', '1.5'],
    ['--calls-per-minute', '1e3'],
    ['--calls-per-minute', ''],
    ['--calls-per-minute', 'many'],
    ['--calls-per-minute', '2147483648'],
    ['--events-per-month', '0'],
    ['--events-per-month', '9007199254740992'],
  ])('should refuse %s %p, and say what it takes', async (option, value) => {
    const { code, out, err } = await run('plan', 'set', 'acme', 'free', option, value);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(
      /^error: option '--\S+ <n>' argument '\S*' is invalid\. It must be a whole number from 1 to \d+\.\n$/,
    );
  });

  it.each([
    [
      'an unknown plan',
      ['set', 'acme', 'gold'],
      /^error: command-argument value 'gold' is invalid for argument 'plan'/,
    ],
    ['a tenant that does not exist', ['set', 'nobody', 'free'], /^error: There is no tenant "nobody"/],
    ['a tenant that cannot be shown', ['show', 'nobody'], /^error: There is no tenant "nobody"/],
    ['no plan', ['set', 'acme'], /^error: missing required argument 'plan'/],
  ])('should answer %s with one line and exit code 1', async (_, words, expected) => {
    const { code, out, err } = await run('plan', ...words);
    expect(err).toMatch(expected);
    expect({ code, out, lines: err.trimEnd().split('\n').length }).toEqual({ code: 1, out: '', lines: 1 });
  });
});
