import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

const KEPT_LINES = 20;

// The shell leaves a watcher behind and becomes the command, so the pid we know is the command's own. The watcher reads file
// descriptor 3, which nobody writes to: it gets an end of file when we are gone, however we went, and kills its process group.
const LEASH = '{ read -r _; kill -KILL 0; } <&3 >/dev/null 2>&1 & exec "$@" 3<&-';

/** How a process ended. */
export interface ProcessEnd {
  /** Whether `stop()` or `kill()` had been called. */
  readonly asked: boolean;
  /** For people: "exit code 1", "signal SIGKILL". */
  readonly how: string;
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
}

export interface LeashedProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Its whole environment; by default ours. */
  readonly env?: NodeJS.ProcessEnv;
  /** Called with each line that it prints. */
  readonly onLine?: (line: string) => void;
}

/**
 * A child process that cannot outlive this one, not even when this one is killed with SIGKILL. It has a process group of its
 * own, so a Ctrl-C in the terminal reaches us alone and we decide the order in which things stop.
 */
export class LeashedProcess {
  /** Resolves once it is gone and all that it printed is in `lastLines`. Never rejects. */
  readonly ended: Promise<ProcessEnd>;

  private readonly lines: string[] = [];
  private end: ProcessEnd | undefined;
  private asked = false;

  private constructor(
    private readonly child: ChildProcess,
    readonly pid: number,
    private readonly onLine: ((line: string) => void) | undefined,
  ) {
    const printed = [child.stdout, child.stderr].map((stream) => this.collect(stream));
    this.ended = new Promise<ProcessEnd>((resolve) => {
      child.once('exit', (code, signal) => {
        this.killGroup();
        void Promise.all(printed).then(() => {
          const how = code === null ? `signal ${String(signal)}` : `exit code ${code}`;
          this.end = { asked: this.asked, how, code: code ?? undefined };
          resolve(this.end);
        });
      });
    });
  }

  /** Starts the command. A command that does not exist ends at once with exit code 127. */
  static spawn({ command, args, env, onLine }: LeashedProcessOptions): LeashedProcess {
    const child = spawn('/bin/sh', ['-c', LEASH, 'sh', command, ...args], {
      detached: true,
      env: env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    if (child.pid === undefined) throw new Error('cannot start /bin/sh, which starts and watches the embedded servers');
    child.stdin.on('error', () => undefined);
    return new LeashedProcess(child, child.pid, onLine);
  }

  get running(): boolean {
    return this.end === undefined;
  }

  /** The last lines it printed, on either stream, oldest first. */
  get lastLines(): string {
    return this.lines.join('\n');
  }

  /**
   * Asks it to end, by SIGTERM or by closing its standard input, and kills it when it has not ended after `deadlineMs`. May be
   * called at any time, and again.
   */
  async stop(by: 'SIGTERM' | 'end of input', deadlineMs: number): Promise<ProcessEnd> {
    this.asked = true;
    if (by === 'SIGTERM') this.child.kill('SIGTERM');
    else this.child.stdin?.end();
    const deadline = setTimeout(() => {
      this.killGroup();
    }, deadlineMs);
    try {
      return await this.ended;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Ends it with SIGKILL: what a crash looks like from outside. */
  async kill(): Promise<ProcessEnd> {
    this.asked = true;
    this.killGroup();
    return this.ended;
  }

  private killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // Nobody is left in the group.
    }
  }

  private collect(stream: Readable | null): Promise<void> {
    if (stream === null) return Promise.resolve();
    let rest = '';
    const keep = (line: string): void => {
      if (line.trim() === '') return;
      this.lines.push(line);
      if (this.lines.length > KEPT_LINES) this.lines.shift();
      this.onLine?.(line);
    };
    stream.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(keep);
    });
    return new Promise((resolve) => {
      stream.once('close', () => {
        keep(rest);
        resolve();
      });
    });
  }
}
