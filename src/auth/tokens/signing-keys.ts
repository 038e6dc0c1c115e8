import { hkdfSync } from 'node:crypto';
import type { JWK } from 'jose';
import type { Configuration } from '../../config/configuration.js';
import type { SecretBox } from '../../tenants/secret.box.js';
import { privateSigningKey, secretSigningKey, type SigningKey } from './signing-key.js';

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
    if (secret !== undefined) {
      return new SigningKeys(secret);
    }
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

/** What encrypts must not sign as well: the secret follows from the key under a label of its own (RFC 5869). */
function derivedKey(encryptionKey: Uint8Array): Promise<SigningKey> {
  return secretSigningKey(new Uint8Array(hkdfSync('sha256', encryptionKey, '', 'segops token secret', SECRET_BYTES)));
}
