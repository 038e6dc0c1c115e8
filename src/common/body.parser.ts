import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ApiError, badRequest, tooLarge, unsupportedMediaType } from './errors.js';
import { readJsonText } from '../json/json.text.js';
import { addRouteConfig } from './route.config.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route gets the bytes instead of parsed JSON. */
    rawBody?: boolean;
    /** Any content type is accepted, which stays in `request.raw.headers`. */
    anyBodyType?: boolean;
    /** After decompression. */
    maxBodyBytes?: number | undefined;
  }
}

/** The default limit. The largest legitimate body, a key with 100 origins, has half of it. */
const DEFAULT_MAX_BYTES = 64 * 1024;

/** The limit of the route's body in bytes, after decompression. */
export const BodyLimit =
  (maxBodyBytes: number): MethodDecorator =>
  (_target, _name, { value }) =>
    addRouteConfig(value as object, { maxBodyBytes });

interface RawBodyOptions {
  /** Replaces `MAX_BODY_BYTES`. */
  readonly maxBytes?: number;
  /** See `anyBodyType`. */
  readonly ofAnyType?: boolean;
}

/** The route gets its body as bytes and parses them itself. */
export const RawBody =
  ({ maxBytes, ofAnyType = false }: RawBodyOptions = {}): MethodDecorator =>
  (_target, _name, { value }) => {
    addRouteConfig(value as object, { rawBody: true, anyBodyType: ofAnyType, maxBodyBytes: maxBytes });
  };

/** By the name of the encoding (RFC 9110, 8.4.1). */
const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', zlib.createGunzip],
  ['x-gzip', zlib.createGunzip],
  ['deflate', zlib.createInflate],
  ['br', zlib.createBrotliDecompress],
  // Node has it from 22.15 on.
  ...('createZstdDecompress' in zlib ? [['zstd', zlib.createZstdDecompress as () => Transform] as const] : []),
]);

/**
 * Accepts JSON bodies, as bytes for routes with {@link RawBody}, parsed for the others; anything else is a 415. Called before the
 * routes are registered.
 * @param maxRawBytes the limit of raw bodies without one of their own
 */
export function parseJsonBodies(fastify: FastifyInstance, maxRawBytes: number): void {
  fastify.addHook('onRoute', (route) => {
    const { rawBody = false, anyBodyType = false, maxBodyBytes } = route.config ?? {};
    route.bodyLimit = maxBodyBytes ?? (rawBody ? maxRawBytes : DEFAULT_MAX_BYTES);
    if (anyBodyType) route.onRequest = [...[route.onRequest ?? []].flat(), passForJson];
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', (request, payload, done) => {
    readBody(request, payload, (error, body) => {
      // Some clients send a content type without content. A route that needs fields reports them.
      if (error !== null || body === undefined || request.routeOptions.config.rawBody === true) {
        done(error, body);
        return;
      }
      const read = readJsonText(body);
      if (read.valid) done(null, read.value);
      else done(badRequest(read.detail));
    });
  });
}

/** JSON is the only type with a parser. */
function passForJson(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  request.headers = { ...request.headers, 'content-type': 'application/json' };
  done();
}

/** `body` is undefined when nothing was sent. */
type Done = (error: ApiError | null, body?: Buffer) => void;

/** Reads and decompresses a body up to its route's limit. */
function readBody({ headers, routeOptions }: FastifyRequest, payload: IncomingMessage, done: Done): void {
  const { bodyLimit } = routeOptions;
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const makeDecoder = DECODERS.get(encoding);
  if (makeDecoder === undefined && encoding !== 'identity') {
    done(unsupportedMediaType());
    return;
  }
  const tooLargeError = () => tooLarge(`The body is larger than ${bodyLimit} bytes, counted after decompression.`);
  if (Number(headers['content-length']) > bodyLimit) {
    done(tooLargeError());
    return;
  }
  const decoder = makeDecoder?.();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isOver = false;
  const end = (error?: ApiError): void => {
    if (isOver) return;
    isOver = true;
    if (decoder !== undefined) payload.unpipe(decoder);
    // Otherwise it would keep decompressing.
    decoder?.destroy();
    if (error !== undefined) done(error);
    else done(null, bytes === 0 ? undefined : Buffer.concat(chunks, bytes));
  };
  (decoder ?? payload)
    .on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bodyLimit) end(tooLargeError());
      else if (!isOver) chunks.push(chunk);
    })
    .on('end', () => end());
  payload.on('error', () => end(badRequest('The body did not arrive completely.')));
  if (decoder !== undefined) {
    decoder.on('error', () => {
      end(badRequest('The body cannot be decompressed. Send it in the encoding that Content-Encoding names.'));
    });
    let encoded = 0;
    payload.on('data', (chunk: Buffer) => {
      encoded += chunk.length;
      // A body that decompresses to almost nothing is limited too.
      if (encoded > bodyLimit) end(tooLargeError());
    });
    payload.pipe(decoder);
  }
}
