import { Injectable } from '@nestjs/common';
import { forbidden, invalidFields } from '../../common/errors.js';
import type { ApiKey } from '../../tenants/api-key.js';
import { ApiKeys } from '../../tenants/api-keys.service.js';
import { Tokens } from '../tokens/tokens.service.js';
import { ANONYMOUS_PREFIX } from './anonymous-uid.js';
import type { SessionDto } from './dto/session.dto.js';
import { problemOfSignature } from './user-id.signature.js';

export interface Session {
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

  /** A signature that need not be sent must be right all the same: a page that sends a wrong one has a fault. */
  private checkSignature(
    apiKey: ApiKey,
    userId: string,
    signature: string | undefined,
    timestamp: string | undefined,
  ): void {
    if (signature === undefined && !apiKey.requireSignedUserId) {
      return;
    }
    const hmacSecret = this.apiKeys.hmacSecretOf(apiKey);
    if (hmacSecret === undefined) {
      throw new TypeError(`The public key ${apiKey.id} has no HMAC secret`);
    }
    const problem = problemOfSignature({ userId, signature, timestamp }, hmacSecret, Date.now());
    if (problem !== undefined) {
      throw forbidden(problem);
    }
  }
}
