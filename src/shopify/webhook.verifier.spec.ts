import { createHmac } from 'node:crypto';
import { isSigned } from './webhook.verifier.js';

const SECRET = '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';
const BODY = Buffer.from('{"id":820982911946154508,"url":"https:\\/\\/acme.example\\/?a=1\\u0026b=2","total":5.0}');

function sign(body: Uint8Array, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('base64');
}

const SIGNATURE = sign(BODY, SECRET);

describe('isSigned', () => {
  it.each([
    // From the tests of Shopify's libraries for JavaScript and PHP.
    ['{"foo": "bar"}', 'test_secret_key', 'B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g='],
    ['{"foo":"bar"}', 'steffi', '/Redz4YXHLnSmmSN8grr5/Jl/Ua3d7yX3iWbjb8R8wo='],
  ])('should agree with Shopify on %s', (body, secret, signature) => {
    expect(isSigned(Buffer.from(body), signature, [secret])).toBe(true);
  });

  it.each([0, 1, 2])('should accept the secret at place %i of the list', (place) => {
    const secrets = ['other', 'another', 'third'];
    secrets[place] = SECRET;
    expect(isSigned(BODY, SIGNATURE, secrets)).toBe(true);
  });

  it('should take the text of the secret as UTF-8', () => {
    expect(isSigned(BODY, sign(BODY, 'schlüssel-🔑'), ['schlüssel-🔑'])).toBe(true);
  });

  it('should check bytes, even those that are no text', () => {
    const body = Buffer.from([0xff, 0x00, 0xc3, 0x28]);
    expect(isSigned(body, sign(body, SECRET), [SECRET])).toBe(true);
    expect(isSigned(Buffer.from(body.toString()), sign(body, SECRET), [SECRET])).toBe(false);
  });

  it('should refuse a body that was parsed and written again', () => {
    const written = Buffer.from(JSON.stringify(JSON.parse(BODY.toString())));
    expect(isSigned(written, SIGNATURE, [SECRET])).toBe(false);
  });

  it('should refuse a body of which one bit was changed', () => {
    const body = Buffer.from(BODY);
    body[10]! ^= 1;
    expect(isSigned(body, SIGNATURE, [SECRET])).toBe(false);
  });

  it.each([
    ['no secret', []],
    ["another tenant's secret", ['shpss_other']],
    ['a secret in upper case', [SECRET.toUpperCase()]],
    ['a secret with a line break', [`${SECRET}\n`]],
  ])('should refuse everything with %s', (_what, secrets) => {
    expect(isSigned(BODY, SIGNATURE, secrets)).toBe(false);
  });

  it('should not let anybody sign with an empty secret', () => {
    expect(isSigned(BODY, sign(BODY, ''), ['', SECRET])).toBe(false);
  });

  it.each<[string, string | string[] | undefined]>([
    ['absent', undefined],
    ['empty', ''],
    ['blank', ' '.repeat(44)],
    ['repeated', `${SIGNATURE}, ${SIGNATURE}`],
    ['a list', [SIGNATURE]],
    ['a list of two', [SIGNATURE, SIGNATURE]],
    ['too short', SIGNATURE.slice(1)],
    ['too long', `A${SIGNATURE}`],
    ['without its padding', SIGNATURE.slice(0, -1)],
    ['followed by a line break', `${SIGNATURE}\n`],
    ['hexadecimal', createHmac('sha256', SECRET).update(BODY).digest('hex')],
    ['of 44 characters that are not base64', '*'.repeat(44)],
    ['of 44 characters of more bytes', 'é'.repeat(44)],
    ['in the alphabet for URLs', '_-'.repeat(21) + 'A='],
    ['of zeros', 'A'.repeat(43) + '='],
    ['enormous', 'A'.repeat(1_000_000)],
  ])('should refuse a header that is %s', (_what, header) => {
    expect(isSigned(BODY, header, [SECRET])).toBe(false);
  });

  it('should refuse the other texts that decode to the same bytes', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const last = alphabet.indexOf(SIGNATURE.charAt(42));
    for (const bits of [1, 2, 3]) {
      const other = `${SIGNATURE.slice(0, 42)}${alphabet.charAt(last | bits)}=`;
      expect(Buffer.from(other, 'base64')).toEqual(Buffer.from(SIGNATURE, 'base64'));
      expect(isSigned(BODY, other, [SECRET])).toBe(false);
    }
  });
});
