import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject, webcrypto } from 'node:crypto';
import { calculateJwkThumbprint, type CryptoKey, importJWK, importPKCS8, type JWK } from 'jose';
import { OperatorError } from '../../common/operator.error.js';
import type { Configuration } from '../../config/configuration.js';
import type { SecretBox } from '../../tenants/secret.box.js';

/** A key that signs tokens with one algorithm, and verifies those of that algorithm only. */
interface SigningKey {
  readonly kid: string;
  readonly algorithm: 'HS256' | 'RS256' | 'ES256' | 'EdDSA';
  readonly signWith: CryptoKey;
  readonly verifyWith: CryptoKey;
  /** For other verifiers of our tokens; undefined for a shared secret. */
  readonly publicJwk?: JWK;
}

/** RFC 7518, 3.3. */
const MIN_RSA_BITS = 2048;
const KEY_ID_BYTES = 12;

/** @param secret the bytes that sign and verify with HS256 */
async function secretSigningKey(secret: Uint8Array): Promise<SigningKey> {
  const key = await webcrypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ]);
  // A key id is public: it is derived under its own label, and is no hash of the secret.
  const kid = Buffer.from(hkdfSync('sha256', secret, '', 'segops token key id', KEY_ID_BYTES)).toString('base64url');
  return { kid, algorithm: 'HS256', signWith: key, verifyWith: key };
}

/**
 * @param pem PKCS #8; its line breaks may be written as the two characters `\n`, as environment files have them
 * @throws OperatorError when it is not a key of a supported kind
 */
async function privateSigningKey(pem: string): Promise<SigningKey> {
  const lines = pem.replaceAll('\\n', '\n');
  const privateKey = readPrivateKey(lines);
  const algorithm = algorithmOf(privateKey);
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' }) as JWK;
  const kid = await calculateJwkThumbprint(jwk);
  const publicJwk = { ...jwk, kid, alg: algorithm, use: 'sig' };
  return {
    kid,
    algorithm,
    signWith: await importPKCS8(lines, algorithm),
    verifyWith: (await importJWK(publicJwk, algorithm)) as CryptoKey,
    publicJwk,
  };
}

function readPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    throw notAccepted('cannot be read');
  }
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): 'RS256' | 'ES256' | 'EdDSA' {
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS) return 'RS256';
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  if (asymmetricKeyType === 'ed25519') return 'EdDSA';
  throw notAccepted('is of another kind or size');
}

function notAccepted(why: string): OperatorError {
  return new OperatorError(
    `JWT_PRIVATE_KEY ${why}. Accepted are RSA of at least ${MIN_RSA_BITS} bits, P-256 and Ed25519, as PKCS #8 in PEM; make one with: openssl genpkey -algorithm ed25519`,
  );
}

const SECRET_BYTES = 32;

/** The keys of this service's own tokens. The first one signs, all of them verify. */
export class SigningKeys {
  private readonly byId: ReadonlyMap<string, SigningKey>;

  constructor(
    readonly current: SigningKey,
    previous: readonly SigningKey[] = [],
  ) {
    this.byId = new Map([...previous, current].map((key) => [key.kid, key]));
  }

  /**
   * The keys that the settings name: `JWT_PRIVATE_KEY`, then `JWT_SECRET`; with neither, a secret from each encryption key,
   * so that a rotation of `ENCRYPTION_KEY` logs nobody out.
   * @throws OperatorError for a private key of another kind than we sign with
   */
  static async load(
    { jwtPrivateKey, jwtSecret }: Pick<Configuration, 'jwtPrivateKey' | 'jwtSecret'>,
    secrets: Pick<SecretBox, 'keys'>,
  ): Promise<SigningKeys> {
    const secret = jwtSecret === undefined ? undefined : await secretSigningKey(Buffer.from(jwtSecret));
    if (jwtPrivateKey !== undefined) {
      return new SigningKeys(await privateSigningKey(jwtPrivateKey), secret === undefined ? [] : [secret]);
    }
    if (secret !== undefined) return new SigningKeys(secret);
    const [current, ...previous] = secrets.keys;
    return new SigningKeys(
      await derivedKey(current.bytes),
      await Promise.all(previous.map(({ bytes }) => derivedKey(bytes))),
    );
  }

  find(kid: string): SigningKey | undefined {
    return this.byId.get(kid);
  }

  /** For everybody to verify our tokens with (RFC 7517). Empty when a secret signs. */
  publicKeys(): readonly JWK[] {
    return [...this.byId.values()].flatMap(({ publicJwk }) => publicJwk ?? []);
  }
}

/** A key that encrypts must not also sign: the secret is derived from it under its own label (RFC 5869). */
function derivedKey(encryptionKey: Uint8Array): Promise<SigningKey> {
  return secretSigningKey(new Uint8Array(hkdfSync('sha256', encryptionKey, '', 'segops token secret', SECRET_BYTES)));
}
