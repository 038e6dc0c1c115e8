import argon2, { parseOptions } from '@node-rs/argon2';
import { ApiError } from '../common/errors.js';
import { Passwords } from './passwords.js';
import { TenantError } from './tenant.js';

const passwords = new Passwords();

describe('Passwords', () => {
  it('should match the password that the hash was made of, and no other', async () => {
    const hash = await passwords.hash('correct horse');
    expect(await passwords.matches('correct horse', hash)).toBe(true);
    for (const other of ['correct horsf', 'Correct horse', 'correct horse ', '', hash, 'x'.repeat(100_000)]) {
      expect(await passwords.matches(other, hash)).toBe(false);
    }
  });

  it('should make argon2id hashes with the parameters that OWASP names, never twice the same', async () => {
    const [first, second] = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')]);
    expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(parseOptions(first)).toMatchObject({ saltLen: 16, outputLen: 32 });
    expect(first).not.toBe(second);
  });

  it.each([
    ['7 characters', 'a'.repeat(7)],
    ['nothing', ''],
    ['blanks alone', ' '.repeat(20)],
    ['257 characters', 'a'.repeat(257)],
    ['7 emojis, though they are 14 code units', '🛒'.repeat(7)],
    ['7 letters with their accents apart', 'e\u0301'.repeat(7)],
  ])('should refuse %s', async (_, password) => {
    await expect(passwords.hash(password)).rejects.toThrow(TenantError);
  });

  it.each([
    'a'.repeat(8),
    'a'.repeat(256),
    '🛒'.repeat(256),
    'e\u0301'.repeat(256),
    ' a b c d ',
    'null\u0000character',
  ])('should take %j', async (password) => {
    expect(await passwords.matches(password, await passwords.hash(password))).toBe(true);
  });

  it('should match a password however the keyboard wrote its characters', async () => {
    const hash = await passwords.hash('\u00e9l\u00e8ve-\ufb01n');
    expect(await passwords.matches('e\u0301le\u0300ve-fin', hash)).toBe(true);
  });

  it('should match nothing where there is no hash, after the same work', async () => {
    const hash = await passwords.hash('correct horse');
    const verify = jest.spyOn(argon2, 'verify');
    expect(await passwords.matches('correct horse', hash)).toBe(true);
    expect(await passwords.matches('correct horse', undefined)).toBe(false);
    const [known, unknown, ...more] = verify.mock.calls;
    verify.mockRestore();
    expect(more).toEqual([]);
    expect(parseOptions(String(unknown?.[0]))).toEqual(parseOptions(String(known?.[0])));
    expect(unknown?.[1]).toBe(known?.[1]);
  });

  it('should answer 503 to those for whom the queue is too long, and serve the others', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, () => passwords.matches('correct horse', undefined)),
    );
    const refused = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as ApiError);
    expect(results.length - refused.length).toBe(52);
    expect(refused.map(({ status, headers }) => [status, headers])).toEqual(
      Array.from({ length: 8 }, () => [503, { 'retry-after': '1' }]),
    );
    expect(await passwords.matches('correct horse', undefined)).toBe(false);
  });
});
