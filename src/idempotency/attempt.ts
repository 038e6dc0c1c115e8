import type { ServerResponse } from 'node:http';
import { fingerprintOf, type RepeatableRequest } from './fingerprint.js';
import type { Caller, Note } from './idempotency.store.js';
import { drawSeed, formatSeed, parseSeed, type Seed } from './seed.js';

/** The half of a connection on which the answer leaves. */
export type Answer = Pick<
  ServerResponse,
  'closed' | 'destroyed' | 'writableFinished' | 'statusCode' | 'socket' | 'once'
>;

/** One attempt to serve a request that carries nothing to recognise its repetition by. */
export class Attempt {
  private seedBytes: Seed = drawSeed();
  private seedText: string | undefined;
  private fingerprintText: string | undefined;
  private durable = false;
  /** Whether the store may have been told of it. */
  isNoted = false;

  constructor(
    private readonly request: RepeatableRequest,
    private readonly answer: Answer,
  ) {}

  get tenantId(): string {
    return this.request.tenantId;
  }

  get caller(): Caller {
    return this.request.caller;
  }

  get fingerprint(): string {
    return (this.fingerprintText ??= fingerprintOf(this.request));
  }

  /** What its events' ids derive from; another one after it has taken over. */
  get seed(): Seed {
    return this.seedBytes;
  }

  /** Whether its events are known to be on disk. */
  get isDurable(): boolean {
    return this.durable;
  }

  get note(): Note {
    return { seed: (this.seedText ??= formatSeed(this.seedBytes)), durable: this.durable };
  }

  /** Goes on where an earlier attempt broke off: with its ids, so that what both publish is stored once. */
  takeOver({ seed, durable }: Note): void {
    this.seedText = seed;
    this.seedBytes = parseSeed(seed);
    this.durable = durable;
  }

  becomeDurable(): void {
    this.durable = true;
  }

  /** Whether its client can no longer get the answer. Known a moment before `whenEnded` tells. */
  get isAbandoned(): boolean {
    const { writableFinished, destroyed, socket } = this.answer;
    return !writableFinished && (destroyed || socket?.destroyed === true || socket?.readableEnded === true);
  }

  /** Calls `listener` once: whether the client got an answer that ends the matter, as far as can be told on our side. */
  whenEnded(listener: (isAnswered: boolean) => void): void {
    const end = (): void => {
      listener(this.answer.writableFinished && this.answer.statusCode < 500);
    };
    if (this.answer.closed) end();
    else this.answer.once('close', end);
  }
}
