import { entriesThatAdmit, isListed, normalizeOrigin, parseOrigin } from './origins.js';

describe('normalizeOrigin', () => {
  it.each([
    ['https://shop.example.com', 'https://shop.example.com'],
    [' HTTPS://Shop.Example.COM ', 'https://shop.example.com'],
    ['https://shop.example.com:443', 'https://shop.example.com'],
    ['http://shop.example.com:80', 'http://shop.example.com'],
    ['http://shop.example.com:443', 'http://shop.example.com:443'],
    ['https://shop.example.com:8443', 'https://shop.example.com:8443'],
    ['https://*.example.com', 'https://*.example.com'],
    ['https://*.example.com:443', 'https://*.example.com'],
    ['https://*.example.com:8443', 'https://*.example.com:8443'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['https://*.bücher.example', 'https://*.xn--bcher-kva.example'],
    ['https://co.uk', 'https://co.uk'],
    ['https://*.example.co.uk', 'https://*.example.co.uk'],
    ['https://*.acme.github.io', 'https://*.acme.github.io'],
    ['https://*.www.ck', 'https://*.www.ck'],
    ['https://*.shop.公司.cn', 'https://*.shop.xn--55qx5d.cn'],
    ['https://*.shop.internal', 'https://*.shop.internal'],
    ['https://my_shop.example.com', 'https://my_shop.example.com'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://*.localhost:3000', 'http://*.localhost:3000'],
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['chrome-extension://abcdefghijklmnop', 'chrome-extension://abcdefghijklmnop'],
  ])('should take %j as %s', (entry, origin) => {
    expect(normalizeOrigin(entry)).toBe(origin);
  });

  it.each([
    '',
    '*',
    'null',
    'shop.example.com',
    '//shop.example.com',
    'https:shop.example.com',
    'https://',
    'https://*',
    'https://*.',
    'https://*.com',
    'https://*.com:8443',
    'https://*.*.example.com',
    'https://shop.*.example.com',
    'https://*shop.example.com',
    'https://shop.example.com/',
    'https://shop.example.com/path',
    'https://shop.example.com?x',
    'https://shop.example.com#x',
    'https://user@shop.example.com',
    'https://shop.example.com:x',
    'https://shop.example.com:99999',
    'https://shop.example.com\\@evil.example',
    'https://shop .example.com',
    'https://.example.com',
    'https://example.com.',
    'https://*.[::1]',
    'https://*.0.0.1',
    'https://*.127.0.0.1',
    'https://*.co.uk',
    'https://*.CO.UK:8443',
    'https://*.github.io',
    'https://*.vercel.app',
    'https://*.s3.amazonaws.com',
    'https://*.foo.ck',
    'https://*.公司.cn',
    'https://*.xn--55qx5d.cn',
    'https://*.internal',
    'javascript://x',
    'JavaScript://shop.example.com',
    'data://x',
    'file://x',
    'ftp://shop.example.com',
    'wss://shop.example.com',
    'capacitor://*.example.com',
    'https://user:password@shop.example.com',
  ])('should refuse %j', (entry) => {
    expect(normalizeOrigin(entry)).toBeUndefined();
  });
});

describe('parseOrigin', () => {
  it('should compare in lower case', () => {
    expect(parseOrigin('HTTPS://Shop.Example.com')).toBe('https://shop.example.com');
  });

  it.each([
    '',
    'null',
    'https://*.example.com',
    'https://shop.example.com/',
    'https://a.example.com, https://b.example.com',
    'https://bücher.example',
  ])('should not take %j for an origin', (header) => {
    expect(parseOrigin(header)).toBeUndefined();
  });

  it('should not take what is longer than any origin', () => {
    const labels = (count: number) => `https://${'a.'.repeat(count)}example.com`;
    expect(parseOrigin(labels(120))).toBeDefined();
    expect(parseOrigin(labels(5_000))).toBeUndefined();
    expect(normalizeOrigin(labels(5_000))).toBeUndefined();
  });
});

describe('entriesThatAdmit', () => {
  it.each([
    ['https://shop.example.com', ['https://shop.example.com', 'https://*.example.com']],
    ['https://shop.example.com:8443', ['https://shop.example.com:8443', 'https://*.example.com:8443']],
    ['http://localhost:3000', ['http://localhost:3000']],
    ['http://[::1]:3000', ['http://[::1]:3000']],
  ])('should ask for %s by %j', (origin, entries) => {
    expect(entriesThatAdmit(origin)).toEqual(entries);
  });
});

describe('isListed', () => {
  const allowlist = ['https://*.example.com', 'https://example.org'];

  it.each(['https://shop.example.com', 'https://SHOP.example.com', 'https://example.org'])(
    'should admit %s',
    (origin) => {
      expect(isListed(origin, allowlist)).toBe(true);
    },
  );

  it.each([
    'https://example.com',
    'https://evil-example.com',
    'https://a.b.example.com',
    'https://example.com.evil.com',
    'https://shop.example.com.evil.com',
    'https://.example.com',
    'http://shop.example.com',
    'https://shop.example.com:8443',
    'https://*.example.com',
    'https://shop.example.org',
    'https://evil.com/.example.com',
    'https://evil.com#.example.com',
    'null',
    '',
  ])('should not admit %s', (origin) => {
    expect(isListed(origin, allowlist)).toBe(false);
  });
});
