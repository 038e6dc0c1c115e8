import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { badRequest } from '../common/errors.js';
import { withVersion } from '../common/uuid7.js';
import { Attempt } from './attempt.js';
import { digestOf, fingerprintOf, type RepeatableRequest } from './fingerprint.js';
import type { MemoryKey } from './idempotency.store.js';
import { type Seed, SEED_BYTES } from './seed.js';
import { StoreAccess } from './store.access.js';

/**
 * The request's `Idempotency-Key`, by which its repetition is recognised; undefined when it carries none.
 * @throws ApiError 400 when it is not 1 to 255 visible ASCII characters
 */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header !== undefined && !/^[\x21-\x7e]{1,255}$/.test(header)) {
    throw badRequest('The header Idempotency-Key must have 1 to 255 visible ASCII characters and no spaces.');
  }
  return header;
}

/** What makes a request the same as another one. */
export interface RequestIdentity {
  /** The ids of its events derive from it. */
  readonly seed: Seed;
  /** For {@link Retries} to compare with others; undefined when the client's key says which are the same. */
  readonly attempt: Attempt | undefined;
}

/** Larger answers, as those that list hundreds of errors, are compressed, to a twentieth usually. */
const COMPRESS_FROM_CHARACTERS = 1024;
const COMPRESSED = '~';
/** What is larger even so is not remembered: a repetition is served again, and its events are stored once all the same. */
const MAX_REMEMBERED_CHARACTERS = 64 * 1024;

/** Serves the requests that carry an `Idempotency-Key` once, and tells the others apart by their bytes. */
@Injectable()
export class IdempotentRequests {
  constructor(private readonly access: StoreAccess) {}

  /**
   * What `serve` answers; for a key that was answered within the last 24 hours the same answer again, marked with the
   * header `Idempotency-Replayed`, without serving anything.
   * @param key the client's `Idempotency-Key`
   * @throws ApiError 400 when the key was used for another request, and whatever `serve` throws
   */
  async once<T extends object>(
    key: string | undefined,
    request: RepeatableRequest,
    reply: FastifyReply,
    serve: (identity: RequestIdentity) => Promise<T>,
  ): Promise<T> {
    if (key === undefined) {
      const attempt = new Attempt(request, reply.raw);
      return serve({ seed: attempt.seed, attempt });
    }
    const place = placeOf(request, key);
    const fingerprint = fingerprintOf(request);
    const known = await this.access.ask((store) => store.recall(place));
    if (known?.value !== undefined) {
      const json = answerIn(known.value, fingerprint);
      if (json === undefined) throw usedForAnother();
      void reply.header('idempotency-replayed', 'true');
      return JSON.parse(json) as T;
    }
    // Whatever is or is not remembered, now or when it comes again: the same request has the same seed.
    const answer = await serve({ seed: seedOf(place, fingerprint), attempt: undefined });
    const text = encodeAnswer(fingerprint, answer);
    if (text.length <= MAX_REMEMBERED_CHARACTERS) await this.access.remember(place, text, request.caller);
    return answer;
  }
}

/** Users who speak only for themselves choose their keys independently of each other; no key has a space. */
function placeOf({ tenantId, uid }: RepeatableRequest, key: string): MemoryKey {
  return { space: 'answers', tenantId, key: uid === undefined ? key : `${digestOf(uid)} ${key}` };
}

function seedOf({ tenantId, key }: MemoryKey, fingerprint: string): Seed {
  // NUL divides the parts: none of them can hold one.
  const digest = createHash('sha256').update(['request', tenantId, key, fingerprint].join('\0')).digest();
  return withVersion(digest.subarray(0, SEED_BYTES), 8);
}

function encodeAnswer(fingerprint: string, answer: object): string {
  const json = JSON.stringify(answer);
  const text =
    json.length < COMPRESS_FROM_CHARACTERS ? json : COMPRESSED + deflateRawSync(json, { level: 1 }).toString('base64');
  return `${fingerprint} ${text}`;
}

/** @returns its JSON; undefined when it is the answer to another request */
function answerIn(value: string, fingerprint: string): string | undefined {
  if (!value.startsWith(`${fingerprint} `)) {
    return undefined;
  }
  const text = value.slice(fingerprint.length + 1);
  return text.startsWith(COMPRESSED)
    ? inflateRawSync(Buffer.from(text.slice(COMPRESSED.length), 'base64')).toString()
    : text;
}

function usedForAnother() {
  return badRequest(
    'This Idempotency-Key was used within the last 24 hours for a request with another body or path. None of this request was accepted. Send it with a key of its own.',
  );
}
