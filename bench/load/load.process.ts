import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { AcceptedProbe, LoadOrder, LoadReport } from './load.order.js';

/** Where loads come from: a process of its own, which makes its bodies once and does not outlive this one. */
export class LoadProcess {
  private constructor(private readonly child: ChildProcess) {}

  static async start(): Promise<LoadProcess> {
    const child = fork(join(__dirname, '../child.cjs'), [join(__dirname, 'load.child.ts')]);
    await answerOf(child);
    return new LoadProcess(child);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /**
   * @param onProbe is told of each probe that was accepted
   * @throws Error when anything was answered but 202: what is measured then is not what was asked for
   */
  async run(order: LoadOrder, onProbe: (probe: AcceptedProbe) => void = () => undefined): Promise<LoadReport> {
    this.child.send(order);
    let answer = await answerOf(this.child);
    for (; isProbe(answer); answer = await answerOf(this.child)) onProbe(answer);
    const report = answer as LoadReport;
    if (Object.keys(report.others).length > 0) {
      throw new Error(`Not everything was accepted: ${JSON.stringify(report.others)}`);
    }
    return report;
  }

  stop(): void {
    this.child.disconnect();
  }
}

function isProbe(message: unknown): message is AcceptedProbe {
  return Object.hasOwn(message as object, 'probe');
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => {
      reject(new Error(`The load ended with ${String(code)}`));
    };
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message);
    });
  });
}
