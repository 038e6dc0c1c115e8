import { Client } from 'undici';
import { quantile } from '../measure/quantile.js';
import { bodiesOf, withEventId, withProbe } from './event.bodies.js';
import type { AcceptedProbe, LoadOrder, LoadReport } from './load.order.js';

/** No two requests that are on their way at once have the same bytes, as no two of honest clients do. */
const BODIES_A_CONNECTION = 4;
const TICK_MS = 2;

const bodies = new Map<LoadOrder['events'], Buffer[]>();

/**
 * Sends bodies that were made beforehand, one request at a time on each connection, and counts the answers. In a process of
 * its own, as clients are; cheap, because it takes its CPU from what it measures.
 */
class Load {
  private readonly connections: Client[];
  private readonly pool: readonly Buffer[];
  private readonly latencies: number[] = [];
  private readonly others: Record<string, number> = {};
  private readonly headers: string[];
  private readonly path: string;
  private sent = 0;
  private accepted = 0;
  private inFlight = 0;
  private startedAt = 0;
  private finish: () => void = () => undefined;
  private readonly isOver: () => boolean;
  /** Of connections that wait for their turn, in an open load. */
  private readonly idle: number[] = [];
  /** When the requests that no connection was free for were due. */
  private readonly overdue: number[] = [];

  constructor(private readonly order: LoadOrder) {
    const { urls, connections, events, until, key } = order;
    this.connections = Array.from(
      { length: connections },
      (_, i) => new Client(urls[i % urls.length] ?? '', { pipelining: 1 }),
    );
    this.pool = poolOf(events, connections * BODIES_A_CONNECTION);
    this.headers = ['authorization', `ApiKey ${key}`, 'content-type', 'application/json'];
    this.path = events === 'single' ? '/api/ingestion/track/' : '/api/ingestion/track/batch/';
    this.isOver =
      'seconds' in until
        ? () => performance.now() - this.startedAt >= until.seconds * 1_000
        : () => this.sent >= until.requests;
  }

  async run(): Promise<LoadReport> {
    const cpuBefore = process.cpuUsage();
    const startedAt = Date.now();
    this.startedAt = performance.now();
    const over = new Promise<void>((resolve) => {
      this.finish = resolve;
    });
    if (this.order.requestsPerSecond === undefined) {
      for (let i = 0; i < this.connections.length; i++) this.sendNext(i);
    } else {
      this.sendEvery(1_000 / this.order.requestsPerSecond);
    }
    await over;
    const seconds = (performance.now() - this.startedAt) / 1_000;
    const { user, system } = process.cpuUsage(cpuBefore);
    await Promise.all(this.connections.map((connection) => connection.close()));
    const { events } = this.order;
    const latencies = Float64Array.from(this.latencies).sort();
    return {
      startedAt,
      seconds,
      accepted: this.accepted,
      acceptedEvents: this.accepted * (events === 'single' ? 1 : events),
      others: this.others,
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      cpuSeconds: (user + system) / 1e6,
    };
  }

  /** An open load: requests leave when they are due, and wait for a connection if they have to. */
  private sendEvery(intervalMs: number): void {
    this.idle.push(...this.connections.keys());
    let scheduled = 0;
    const timer = setInterval(() => {
      const now = performance.now();
      if (this.isOver()) {
        clearInterval(timer);
        if (this.inFlight === 0) this.finish();
        return;
      }
      for (; this.startedAt + scheduled * intervalMs <= now; scheduled++) {
        this.overdue.push(this.startedAt + scheduled * intervalMs);
      }
      this.sendOverdue();
    }, TICK_MS);
  }

  private sendOverdue(): void {
    while (this.overdue.length > 0) {
      const connection = this.idle.pop();
      if (connection === undefined) return;
      this.send(connection, this.overdue.shift() ?? performance.now());
    }
  }

  private sendNext(connection: number): void {
    if (!this.isOver()) this.send(connection, performance.now());
    else if (this.inFlight === 0) this.finish();
  }

  /** @param dueAt from where on its client waits */
  private send(connection: number, dueAt: number): void {
    const number = this.sent++;
    const { body, probe } = this.bodyOf(number);
    this.inFlight++;
    const done = (outcome: number | string): void => {
      this.inFlight--;
      this.latencies.push(performance.now() - dueAt);
      if (outcome === 202) this.accepted++;
      if (outcome === 202 && probe !== undefined) {
        process.send?.({ probe, at: Date.now() } satisfies AcceptedProbe);
      }
      if (outcome !== 202) this.others[outcome] = (this.others[outcome] ?? 0) + 1;
      if (this.order.requestsPerSecond === undefined) {
        this.sendNext(connection);
      } else {
        this.idle.push(connection);
        if (this.isOver()) {
          if (this.inFlight === 0) this.finish();
        } else this.sendOverdue();
      }
    };
    let status = 0;
    this.connections[connection]?.dispatch(
      { path: this.path, method: 'POST', headers: this.headers, body },
      {
        onRequestStart: () => undefined,
        onResponseStart: (_controller, statusCode) => {
          status = statusCode;
        },
        onResponseData: () => undefined,
        onResponseEnd: () => {
          done(status);
        },
        onResponseError: (_controller, error) => {
          done((error as NodeJS.ErrnoException).code ?? error.name);
        },
      },
    );
  }

  private bodyOf(number: number): { readonly body: Buffer | null; readonly probe?: string } {
    const body = this.pool[number % this.pool.length] ?? null;
    const { probeEvery, withEventIds = false } = this.order;
    if (body !== null && withEventIds) return { body: withEventId(body, `${this.startedAt}-${number}`) };
    if (body === null || probeEvery === undefined || number % probeEvery !== 0) return { body };
    const probe = `probe-${number}`;
    return { body: withProbe(body, probe), probe };
  }
}

function poolOf(events: LoadOrder['events'], count: number): readonly Buffer[] {
  const known = bodies.get(events);
  if (known !== undefined && known.length >= count) return known;
  const made = bodiesOf(events, count);
  bodies.set(events, made);
  return made;
}

process.on('message', (order: LoadOrder) => {
  void new Load(order).run().then((report) => process.send?.(report));
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
