import type { ProcessEnd } from './leashed.process.js';

/** Something that runs until it is stopped. */
export interface Part {
  readonly name: string;
  readonly ended: Promise<ProcessEnd>;
  readonly lastLines: string;
  stop: () => Promise<void>;
}

/** What runs, in the order in which it was started. */
export class RunningParts {
  /** Resolves when the first part ends by itself, with what to tell about it. */
  readonly failure: Promise<string>;

  private readonly parts: Part[] = [];
  private fail: (message: string) => void = () => undefined;

  constructor() {
    this.failure = new Promise((resolve) => {
      this.fail = resolve;
    });
  }

  add(part: Part): void {
    this.parts.push(part);
    void part.ended.then(({ asked, how }) => {
      if (!asked) this.fail(`${part.name} ended by itself (${how}). Its last lines:\n${part.lastLines}`);
    });
  }

  /** Stops one after the other, the last one started first. */
  async stop(): Promise<void> {
    for (const part of this.parts.toReversed()) await part.stop();
  }
}
