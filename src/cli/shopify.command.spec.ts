import { CommandLine } from '../../test/support/command.line.js';

describe('segops shopify', () => {
  let cli: CommandLine;
  let input: string;

  beforeAll(async () => {
    cli = await CommandLine.start();
    await run('tenant', 'create', 'acme');
  });
  beforeEach(() => {
    input = '';
  });
  afterAll(() => cli.stop());

  const run = (...words: string[]) => cli.runWith(input, ...words);

  it('should add secrets, replace them, and show none', async () => {
    expect((await run('shopify', 'show', 'acme')).out).toBe(
      'acme has 0 webhook secrets, and takes webhooks of any shop that knows one.\n',
    );
    input = 'shhh-1';
    expect((await run('shopify', 'set-secret', 'acme')).out).toMatch(/^acme has 1 webhook secret, /);
    input = 'shhh-2';
    const added = await run('shopify', 'set-secret', 'acme', '--shop-domain', 'Acme.myshopify.com', '--json');
    expect(JSON.parse(added.out)).toEqual({
      tenant: 'acme',
      shopDomain: 'acme.myshopify.com',
      secrets: [
        { id: expect.any(String), createdAt: expect.any(String) },
        { id: expect.any(String), createdAt: expect.any(String) },
      ],
    });
    input = 'shhh-3';
    const replaced = await run('shopify', 'set-secret', 'acme', '--replace');
    expect(replaced.out).toBe('acme has 1 webhook secret, and takes webhooks of acme.myshopify.com.\n');
    expect(added.out + replaced.out).not.toContain('shhh');
  });

  it.each([
    ['no secret on standard input', ['acme'], '', /^error: Write the secret to standard input/],
    ['a tenant that does not exist', ['nobody'], 'shhh', /^error: There is no tenant "nobody"/],
    ['a domain that is none', ['acme', '--shop-domain', 'acme.com'], 'shhh', /^error: A shop domain reads/],
  ])('should refuse %s', async (_, words, text, message) => {
    input = text;
    const { code, out, err } = await run('shopify', 'set-secret', ...words);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(message);
  });
});
