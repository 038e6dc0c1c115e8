import { Agent, request } from 'node:http';
import { waitUntil } from './wait-until.js';

const LOOK_EVERY_MS = 100;

interface Target {
  url: string;
  isReady: boolean;
}

/**
 * What stands between clients and several API processes: asks each for its readiness, sends in turn to those that are ready,
 * keeps connections open, and asks another one when one refuses the connection.
 */
export class LoadBalancer {
  private readonly agent = new Agent({ keepAlive: true });
  private readonly targets: Target[];
  private readonly looks: NodeJS.Timeout;
  private turn = 0;

  constructor(urls: readonly string[]) {
    this.targets = urls.map((url) => ({ url, isReady: true }));
    this.looks = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  /** A new process takes the place of an old one. */
  replace(index: number, url: string): void {
    this.targets[index] = { url, isReady: false };
  }

  /** Resolves when it has found the target ready. */
  async sees(index: number): Promise<void> {
    await waitUntil(() => this.targets[index]?.isReady === true);
  }

  /** @returns the answer's status, or the error's code when there was no answer */
  async post(path: string, key: string, body: string): Promise<string> {
    let answer = 'no target is ready';
    for (let tried = 0; tried < this.targets.length; tried++) {
      answer = await this.send(`${this.nextUrl()}${path}`, key, body);
      if (answer !== 'ECONNREFUSED') return answer;
    }
    return answer;
  }

  stop(): void {
    clearInterval(this.looks);
    this.agent.destroy();
  }

  private nextUrl(): string {
    const ready = this.targets.filter(({ isReady }) => isReady);
    return ready[this.turn++ % ready.length]?.url ?? 'http://127.0.0.1:1';
  }

  private send(url: string, key: string, body: string): Promise<string> {
    return new Promise((resolve) => {
      const headers = { authorization: `ApiKey ${key}`, 'content-type': 'application/json' };
      const call = request(url, { method: 'POST', agent: this.agent, headers });
      const failed = (error: NodeJS.ErrnoException): void => {
        resolve(error.code ?? error.message);
      };
      call.on('error', failed);
      call.on('response', (response) => {
        response.on('error', failed);
        response.resume().on('end', () => {
          resolve(String(response.statusCode));
        });
      });
      call.end(body);
    });
  }

  private async look(): Promise<void> {
    await Promise.all(
      this.targets.map(async (target) => {
        target.isReady = await fetch(`${target.url}/readyz`, { headers: { connection: 'close' } }).then(
          ({ ok }) => ok,
          () => false,
        );
      }),
    );
  }
}
