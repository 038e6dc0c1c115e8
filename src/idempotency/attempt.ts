import type { ServerResponse } from 'node:http';
import type { NewNote } from '../transport/retry-notes.js';
import { fingerprintOf, type RepeatableRequest } from './fingerprint.js';
import { drawSeed, formatSeed, parseSeed, type Seed } from './seed.js';

/** The half of a connection on which the answer leaves. */
export type Answer = Pick<
  ServerResponse,
  'closed' | 'destroyed' | 'writableFinished' | 'statusCode' | 'socket' | 'once'
>;

/** One attempt to serve a request that carries nothing to recognise its repetition by. */
export class Attempt {
  private readonly receivedAt = Date.now();
  private seedBytes: Seed = drawSeed();
  private fingerprintText: string | undefined;
  private isSecond = false;
  /** Whether its events are known to be on disk. */
  isDurable = false;
  /** Whether there may be a note of its seed beside the queue. */
  isNoted = false;

  constructor(
    private readonly request: RepeatableRequest,
    private readonly answer: Answer,
  ) {}

  get fingerprint(): string {
    return (this.fingerprintText ??= fingerprintOf(this.request));
  }

  /** What its events' ids derive from; another one after it has taken over. */
  get seed(): Seed {
    return this.seedBytes;
  }

  get note(): NewNote {
    return { fingerprint: this.fingerprint, seed: formatSeed(this.seedBytes), receivedAt: this.receivedAt };
  }

  /** Whether it goes on with the seed of an earlier one, so that its events may be stored already. */
  get isRetry(): boolean {
    return this.isSecond;
  }

  /** Goes on where an earlier attempt broke off: with its ids, so that what both publish is stored once. */
  resume(seed: string): void {
    this.seedBytes = parseSeed(seed);
    this.isSecond = true;
    this.isNoted = true;
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
