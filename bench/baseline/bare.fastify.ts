import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A Fastify that only parses what it is sent, in a process of its own. */
export class BareFastify {
  private constructor(
    readonly url: string,
    private readonly disconnect: () => void,
  ) {}

  static async start(): Promise<BareFastify> {
    const child = fork(join(__dirname, '../child.cjs'), [join(__dirname, 'bare.fastify.child.ts')]);
    const [url] = (await once(child, 'message')) as [string];
    return new BareFastify(url, () => {
      child.disconnect();
    });
  }

  stop(): void {
    this.disconnect();
  }
}
