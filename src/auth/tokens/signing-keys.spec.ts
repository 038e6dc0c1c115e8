import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { OperatorError } from '../../common/operator.error.js';
import { Configuration } from '../../config/configuration.js';
import { SecretBox } from '../../tenants/secret.box.js';
import { SigningKeys } from './signing-keys.js';

const SECRET = 'a-secret-of-at-least-32-characters';
const OLD = '00'.repeat(32);
const NEW = '11'.repeat(32);

const pemOf = ({ privateKey }: { privateKey: KeyObject }): string =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim();

function load(settings: Partial<Configuration>): Promise<SigningKeys> {
  const configuration = Object.assign(new Configuration(), { encryptionKey: OLD, ...settings });
  return SigningKeys.load(configuration, new SecretBox(configuration));
}

describe('SigningKeys', () => {
  it.each([
    ['RSA', 'RS256', 'RSA', pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }))],
    ['P-256', 'ES256', 'EC', pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }))],
    ['Ed25519', 'EdDSA', 'OKP', pemOf(generateKeyPairSync('ed25519'))],
  ])('should sign with a private key of %s by %s, and show its public half only', async (_, algorithm, kty, pem) => {
    const keys = await load({ jwtPrivateKey: pem });
    expect(keys.current.algorithm).toBe(algorithm);
    const [shown, ...others] = keys.publicKeys();
    expect(others).toEqual([]);
    expect(shown).toMatchObject({ kty, alg: algorithm, use: 'sig', kid: keys.current.kid });
    expect(Object.keys(shown ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(d|p|q|dp|dq|qi|k)$/)]),
    );
    expect(await calculateJwkThumbprint(shown ?? {})).toBe(keys.current.kid);
  });

  it('should read line breaks that are written as two characters', async () => {
    const pem = pemOf(generateKeyPairSync('ed25519'));
    const [plain, escaped] = await Promise.all([
      load({ jwtPrivateKey: pem }),
      load({ jwtPrivateKey: pem.replaceAll('\n', '\\n') }),
    ]);
    expect(escaped.current.kid).toBe(plain.current.kid);
  });

  it.each([
    ['P-384', pemOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }))],
    ['secp256k1', pemOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }))],
    ['RSA of 1024 bits', pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }))],
    ['RSA-PSS', pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }))],
    ['Ed448', pemOf(generateKeyPairSync('ed448'))],
    ['X25519', pemOf(generateKeyPairSync('x25519'))],
    ['something that is no key', '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----'],
  ])('should refuse %s at start, and say what is accepted', async (_, pem) => {
    const failure = await load({ jwtPrivateKey: pem }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OperatorError);
    expect((failure as Error).message).toMatch(
      /^JWT_PRIVATE_KEY .* Accepted are RSA .*, P-256 and Ed25519, as PKCS #8/,
    );
    expect((failure as Error).message).not.toContain(pem.split('\n')[1]);
  });

  it('should sign with JWT_SECRET when there is no private key, and show nothing of it', async () => {
    const keys = await load({ jwtSecret: SECRET });
    expect(keys.current.algorithm).toBe('HS256');
    expect(keys.publicKeys()).toEqual([]);
  });

  it('should keep verifying with JWT_SECRET when a private key signs', async () => {
    const before = await load({ jwtSecret: SECRET });
    const after = await load({ jwtSecret: SECRET, jwtPrivateKey: pemOf(generateKeyPairSync('ed25519')) });
    expect(after.current.algorithm).toBe('EdDSA');
    expect(after.find(before.current.kid)?.algorithm).toBe('HS256');
    expect(after.publicKeys()).toHaveLength(1);
  });

  it('should derive a secret from each encryption key: the first signs, all verify', async () => {
    const before = await load({ encryptionKey: OLD });
    const after = await load({ encryptionKey: `${NEW},${OLD}` });
    expect(after.current.kid).toBe((await load({ encryptionKey: NEW })).current.kid);
    expect(after.current.kid).not.toBe(before.current.kid);
    expect(after.find(before.current.kid)).toBeDefined();
    expect((await load({ encryptionKey: NEW })).find(before.current.kid)).toBeUndefined();
  });

  it('should need no encryption key where tokens have a key of their own', async () => {
    const configuration = Object.assign(new Configuration(), {
      databaseUrl: 'postgres://db/segops',
      jwtSecret: SECRET,
    });
    await expect(SigningKeys.load(configuration, new SecretBox(configuration))).resolves.toBeInstanceOf(SigningKeys);
  });
});
