import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptCounts, Tally } from './tally.js';

const TIMEOUT_MS = 10_000;
/** The official Go SDK gives a batch up after the fourth attempt; this one goes on, so that every event has an answer. */
const WAITS_MS = [500, 1_000, 1_500];
const LATER_WAITS_MS = 2_000;

export interface Delivery {
  readonly attempts: number;
  readonly outcome: 'acknowledged' | 'refused' | 'given up';
  readonly status: number | undefined;
}

type AttemptKind = keyof AttemptCounts | 'connection refused';

/**
 * Sends as the official Go SDK does, one request at a time: the same bytes again after a network error, 10 s without an answer, or
 * an answer from 500 on; never after any other. With several addresses each attempt goes to the next one, as a load balancer would
 * send it.
 */
export class SdkClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(
    private readonly apiUrls: readonly string[],
    private readonly key: string,
    private readonly tally: Tally,
    /** Which of the addresses it starts with. */
    private turn: number,
  ) {}

  /** Resolves when the body is acknowledged or refused, or was not by the time that is given. */
  async deliver(path: string, body: Buffer, givesUpAt: () => number): Promise<Delivery> {
    for (let attempts = 1; ; attempts++) {
      const status = await this.attempt(path, body);
      if (status === 202) return { attempts, outcome: 'acknowledged', status };
      if (status !== undefined && status < 500) return { attempts, outcome: 'refused', status };
      if (Date.now() > givesUpAt()) return { attempts, outcome: 'given up', status };
      await sleep(WAITS_MS[attempts - 1] ?? LATER_WAITS_MS);
    }
  }

  close(): void {
    this.agent.destroy();
  }

  /** @returns the status of the answer, if there was one */
  private async attempt(path: string, body: Buffer): Promise<number | undefined> {
    for (let tried = 0; ; tried++) {
      const { kind, status } = await this.post(path, body);
      this.turn++;
      this.tally.count(kind === 'connection refused' ? 'connectionErrors' : kind);
      // As a load balancer does: what refuses connections has taken nothing, so another one is asked at once.
      if (kind !== 'connection refused' || tried + 1 >= this.apiUrls.length) return status;
    }
  }

  private post(path: string, body: Buffer): Promise<{ kind: AttemptKind; status?: number }> {
    const url = this.apiUrls[this.turn % this.apiUrls.length] ?? '';
    return new Promise((resolve) => {
      const deadline = AbortSignal.timeout(TIMEOUT_MS);
      const failed = (error: NodeJS.ErrnoException): void => {
        if (deadline.aborted) resolve({ kind: 'timeouts' });
        else resolve({ kind: error.code === 'ECONNREFUSED' ? 'connection refused' : 'connectionErrors' });
      };
      const call = request(url + path, {
        method: 'POST',
        agent: this.agent,
        signal: deadline,
        headers: {
          authorization: `ApiKey ${this.key}`,
          'content-type': 'application/json',
          'content-length': body.length,
        },
      });
      call.on('error', failed);
      call.on('response', (response) => {
        response.on('error', failed);
        response.resume().on('end', () => {
          const status = response.statusCode ?? 0;
          resolve({ kind: status === 202 ? 'accepted' : status >= 500 ? 'unavailable' : 'refused', status });
        });
      });
      call.end(body);
    });
  }
}
