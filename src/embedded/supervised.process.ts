import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

const KEPT_LINES = 20;

// The shell starts a watcher and becomes the command, so that we know the command's pid. The watcher reads file descriptor 3, which
// nobody writes to: it reads the end of file when this process ends, however it ends, and kills its process group.
const SUPERVISE = '{ read -r _; kill -KILL 0; } <&3 >/dev/null 2>&1 & exec "$@" 3<&-';

export interface ProcessEnd {
  /** Whether `stop()` or `kill()` had been called. */
  readonly asked: boolean;
  /** For people: "exit code 1", "signal SIGKILL". */
  readonly how: string;
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
}

interface SupervisedProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Its whole environment; by default that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Called with each line that it prints. */
  readonly onLine?: (line: string) => void;
}

/**
 * A child process that ends with this one, even when this one is killed with SIGKILL. It has its own process group: a Ctrl-C in
 * the terminal reaches this process alone, which stops the others in order.
 */
export class SupervisedProcess {
  /** Resolves once it ended and its output is in `lastLines`. Never rejects. */
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
  static spawn({ command, args, env, onLine }: SupervisedProcessOptions): SupervisedProcess {
    const child = spawn('/bin/sh', ['-c', SUPERVISE, 'sh', command, ...args], {
      detached: true,
      env: env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    if (child.pid === undefined) throw new Error('cannot start /bin/sh, which starts and watches the embedded servers');
    child.stdin.on('error', () => undefined);
    return new SupervisedProcess(child, child.pid, onLine);
  }

  get running(): boolean {
    return this.end === undefined;
  }

  /** The last lines of its output, oldest first. */
  get lastLines(): string {
    return this.lines.join('\n');
  }

  /** Ends it by SIGTERM or by closing its standard input, and with SIGKILL after `deadlineMs`. May be called again. */
  async stop(by: 'SIGTERM' | 'end of input', deadlineMs: number): Promise<ProcessEnd> {
    this.asked = true;
    if (by === 'SIGTERM') this.child.kill('SIGTERM');
    else this.child.stdin?.end();
    const deadline = setTimeout(() => this.killGroup(), deadlineMs);
    try {
      return await this.ended;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Ends it with SIGKILL, as a crash would. */
  async kill(): Promise<ProcessEnd> {
    this.asked = true;
    this.killGroup();
    return this.ended;
  }

  private killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // The group has ended.
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
