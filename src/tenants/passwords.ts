import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { hash, type Options, verify } from '@node-rs/argon2';
import pLimit from 'p-limit';
import { unavailable } from '../common/errors.js';
import { isBlank } from '../common/text.rules.js';
import { TenantError } from './tenant.js';

/** Unicode code points after normalization. The minimum is NIST SP 800-63B-3, 5.1.1.2; the maximum keeps hashing cheap. */
const MIN_LENGTH = 8;
const MAX_LENGTH = 256;

/** OWASP's Password Storage Cheat Sheet for argon2id, the library's default: 19 MiB, 2 passes, 1 lane. */
const PARAMETERS = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 } as const satisfies Options;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** Hashes run in the thread pool, which has four threads and also decompresses request bodies: half of it stays free. */
const MAX_RUNNING = 2;
/** At 15 ms a hash the last in the queue waits 0.4 s. */
const MAX_WAITING = 50;
const RETRY_AFTER_SECONDS = 1;

/** Makes and checks hashes of passwords: argon2id in its text form, which carries salt and parameters. */
@Injectable()
export class Passwords {
  private readonly inTurn = pLimit(MAX_RUNNING);
  /** The hash of no password: checking against it takes as long as against any other. */
  private readonly nobodysHash = [
    '$argon2id$v=19',
    `m=${PARAMETERS.memoryCost},t=${PARAMETERS.timeCost},p=${PARAMETERS.parallelism}`,
    unpaddedBase64(randomBytes(SALT_BYTES)),
    unpaddedBase64(randomBytes(HASH_BYTES)),
  ].join('$');

  /**
   * @throws TenantError when it is too short, too long or blank
   * @throws ApiError 503 when too many wait for theirs
   */
  async hash(password: string): Promise<string> {
    const normalized = normalize(password);
    const length = lengthOf(normalized);
    if (length < MIN_LENGTH || length > MAX_LENGTH || isBlank(normalized)) {
      throw new TenantError(`A password has ${MIN_LENGTH} to ${MAX_LENGTH} characters, not all blank.`);
    }
    return this.run(() => hash(normalized, PARAMETERS));
  }

  /**
   * Whether the hash is of this password. Takes the same time without a hash, so that timing does not tell whether there was one.
   * @throws ApiError 503 when too many wait for theirs
   */
  async matches(password: string, passwordHash: string | undefined): Promise<boolean> {
    const normalized = normalize(password);
    if (lengthOf(normalized) > MAX_LENGTH) return false;
    const matches = await this.run(() => verify(passwordHash ?? this.nobodysHash, normalized));
    return matches && passwordHash !== undefined;
  }

  private async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.inTurn.pendingCount >= MAX_WAITING) {
      throw unavailable('Too many passwords are being checked right now. Send the request again.', RETRY_AFTER_SECONDS);
    }
    return this.inTurn(work);
  }
}

/** Required by SP 800-63B: keyboards write the same character in different ways. */
function normalize(password: string): string {
  return password.normalize('NFKC');
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}

/** As the text form of argon2 writes bytes. */
function unpaddedBase64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
