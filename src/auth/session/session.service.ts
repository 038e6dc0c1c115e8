import { createHmac, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { forbidden, invalidFields } from '../../common/errors.js';
import type { ApiKey } from '../../tenants/api-key.js';
import { ApiKeys } from '../../tenants/api-keys.service.js';
import { Tokens } from '../tokens/tokens.service.js';
import { ANONYMOUS_PREFIX, type SessionDto } from './session.dto.js';

interface Session {
  /** A JSON Web Token, good for events of `uid`. */
  readonly token: string;
  /** In whole seconds. */
  readonly expiresAt: Date;
  readonly uid: string;
}

/** Exchanges public keys for sessions: the handshake of web pages and apps. */
@Injectable()
export class SessionService {
  constructor(
    private readonly apiKeys: ApiKeys,
    private readonly tokens: Tokens,
  ) {}

  /** @throws ApiError 400 without any id, 403 for a user id whose signature is missing or not right */
  async open(apiKey: ApiKey, claimed: SessionDto): Promise<Session> {
    const uid = this.uidOf(apiKey, claimed);
    const { tenantId, id: apiKeyId } = apiKey;
    return { ...(await this.tokens.issueSessionToken({ tenantId, apiKeyId, uid })), uid };
  }

  private uidOf(apiKey: ApiKey, { user_id, anonymous_id, user_id_sig, user_id_ts }: SessionDto): string {
    const userId = user_id ?? undefined;
    if (userId !== undefined) {
      this.checkSignature(apiKey, userId, user_id_sig ?? undefined, user_id_ts?.toString());
      return userId;
    }
    if (anonymous_id === undefined || anonymous_id === null) {
      throw invalidFields({ user_id: ['is required, unless there is an anonymous_id.'] });
    }
    return `${ANONYMOUS_PREFIX}${anonymous_id}`;
  }

  /** Even where none is required, a signature that was sent must be right. */
  private checkSignature(
    apiKey: ApiKey,
    userId: string,
    signature: string | undefined,
    timestamp: string | undefined,
  ): void {
    if (signature === undefined && !apiKey.requireSignedUserId) return;
    const hmacSecret = this.apiKeys.hmacSecretOf(apiKey);
    if (hmacSecret === undefined) throw new TypeError(`The public key ${apiKey.id} has no HMAC secret`);
    const problem = problemOfSignature({ userId, signature, timestamp }, hmacSecret, Date.now());
    if (problem !== undefined) throw forbidden(problem);
  }
}

/** How old a signature may be, and how far ahead of ours the clock of the server that signs, in seconds. */
const TOLERANCE_SECONDS = 5 * 60;
const FORM = /^[0-9a-f]{64}$/;

/** The proof that the tenant's own server vouches for a user id. */
interface UserIdSignature {
  readonly userId: string;
  /** Lower-case hex of HMAC-SHA256 over `"<user_id>|<unix_ts>"`. */
  readonly signature: string | undefined;
  /** Unix seconds, as they were signed. */
  readonly timestamp: string | undefined;
}

/**
 * What is wrong with a signature, in words that say what to do; undefined when it is right.
 * @param hmacSecret of the public key, in hex
 * @param now Unix milliseconds
 */
export function problemOfSignature(
  { userId, signature, timestamp }: UserIdSignature,
  hmacSecret: string,
  now: number,
): string | undefined {
  if (signature === undefined || timestamp === undefined) {
    return 'The signature of user_id is missing: send user_id_sig and user_id_ts, which your server makes.';
  }
  if (!FORM.test(signature)) {
    return 'The signature of user_id is wrong: user_id_sig must be 64 hex digits in lower case.';
  }
  const expected = createHmac('sha256', Buffer.from(hmacSecret, 'hex')).update(`${userId}|${timestamp}`).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) {
    return 'The signature of user_id is wrong: sign "<user_id>|<user_id_ts>" with HMAC-SHA256, keyed with the hex-decoded hmac_secret of this public key.';
  }
  const age = Math.floor(now / 1000) - Number(timestamp);
  if (age > TOLERANCE_SECONDS) {
    return `The signature of user_id is too old: it is good for ${TOLERANCE_SECONDS} s. Have your server make another.`;
  }
  return age < -TOLERANCE_SECONDS
    ? `The signature of user_id is too new: user_id_ts must be Unix seconds, at most ${TOLERANCE_SECONDS} s from now. Set the clock of your server.`
    : undefined;
}
