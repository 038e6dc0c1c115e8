import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Table } from '../figure.js';

const ROOT = process.cwd();
const SHOWN = 30;
/** Stacks with less than this part of the time are left out: there are thousands, and together they are little. */
const WORTH_KEEPING = 0.002;

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface RecordedProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** In µs. */
  readonly timeDeltas: readonly number[];
}

/** What V8's sampling profiler saw of one process. */
export class CpuProfile {
  private readonly nodes: ReadonlyMap<number, ProfileNode>;
  private readonly parents = new Map<number, number>();
  private readonly selfUs = new Map<number, number>();

  private constructor({ nodes, samples, timeDeltas }: RecordedProfile) {
    this.nodes = new Map(nodes.map((node) => [node.id, node]));
    for (const { id, children = [] } of nodes) for (const child of children) this.parents.set(child, id);
    samples.forEach((id, i) => this.selfUs.set(id, (this.selfUs.get(id) ?? 0) + (timeDeltas[i] ?? 0)));
  }

  static read(file: string): CpuProfile {
    return new CpuProfile(JSON.parse(readFileSync(file, 'utf8')) as RecordedProfile);
  }

  /** The functions in which most time was spent, without what they called. Idle time does not count. */
  topSelfTimes(title: string): Table {
    const byFunction = new Map<string, number>();
    for (const [id, us] of this.busy()) byFunction.set(this.nameOf(id), (byFunction.get(this.nameOf(id)) ?? 0) + us);
    const total = this.totalUs();
    const rows = [...byFunction]
      .sort(([, a], [, b]) => b - a)
      .slice(0, SHOWN)
      .map(([name, us]): (string | number)[] => [name, us / 1_000, `${((us / total) * 100).toFixed(1)} %`]);
    return { title, header: ['function', 'ms', 'of the busy time'], rows };
  }

  /** What flame graphs are drawn from: a line for each stack, `outer;inner µs`. */
  foldedStacks(): string {
    const byStack = new Map<string, number>();
    for (const [id, us] of this.busy()) {
      const stack: string[] = [];
      for (let at: number | undefined = id; at !== undefined; at = this.parents.get(at)) stack.unshift(this.nameOf(at));
      const text = stack.slice(1).join(';');
      byStack.set(text, (byStack.get(text) ?? 0) + us);
    }
    const least = this.totalUs() * WORTH_KEEPING;
    return [...byStack]
      .filter(([, us]) => us >= least)
      .sort(([, a], [, b]) => b - a)
      .map(([stack, us]) => `${stack} ${us}\n`)
      .join('');
  }

  private *busy(): Iterable<[id: number, us: number]> {
    for (const [id, us] of this.selfUs) {
      if (!IDLE.has(this.nodes.get(id)?.callFrame.functionName ?? '')) yield [id, us];
    }
  }

  private totalUs(): number {
    let total = 0;
    for (const [, us] of this.busy()) total += us;
    return total;
  }

  private nameOf(id: number): string {
    const { functionName = '', url = '', lineNumber = 0 } = this.nodes.get(id)?.callFrame ?? {};
    const place = url.startsWith('file:') ? relative(ROOT, url.slice('file://'.length)) : relative(ROOT, url || ROOT);
    return place === '' ? functionName : `${functionName || '(anonymous)'} ${place}:${lineNumber + 1}`;
  }
}

const IDLE: ReadonlySet<string> = new Set(['(idle)', '(root)']);
