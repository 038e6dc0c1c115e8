import { mkdirSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { errorCodeOf } from '../../common/operator.error.js';
import type { Limiter } from '../../metrics/api.metrics.js';
import { type Budget, LimitCounters, type Taken } from './limit.counters.js';

/** About 20 MB; beyond it the least recently used starts anew. */
const MAX_IN_MEMORY = 100_000;

/**
 * Counts in this process, for a deployment of one process. Counts of minutes, sessions and days end with the process; the
 * events of a month are kept in a file, which a crash leaves at most a second old.
 */
export class ProcessLimitCounters extends LimitCounters implements OnApplicationShutdown {
  private readonly counts = new LRUCache<string, number>({ max: MAX_IN_MEMORY, noUpdateTTL: true });

  constructor(private readonly months: EventCountsFile) {
    super();
  }

  take(_: Limiter, budgets: readonly Budget[], count: number): Promise<Taken> {
    const used = budgets.map((budget) => this.used(budget));
    const short = budgets.findIndex(({ limit }, i) => (used[i] ?? 0) + count > limit);
    if (short === -1) budgets.forEach((budget, i) => this.set(budget, (used[i] ?? 0) + count));
    return Promise.resolve({
      budgets: budgets.map((budget, i) => ({ used: used[i] ?? 0, msLeft: this.msLeft(budget) })),
      short: short === -1 ? undefined : short,
    });
  }

  giveBack(_: Limiter, budgets: readonly Budget[], count: number): Promise<void> {
    for (const budget of budgets) {
      const used = this.used(budget);
      if (used > 0) this.set(budget, Math.max(0, used - count));
    }
    return Promise.resolve();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.months.close();
  }

  private used({ name, life }: Budget): number {
    return ('ms' in life ? this.counts.get(name) : this.months.get(name)) ?? 0;
  }

  private set({ name, life }: Budget, count: number): void {
    if ('ms' in life) this.counts.set(name, count, { ttl: life.ms });
    else this.months.set(name, count, life.untilEpochSeconds);
  }

  private msLeft({ name, life }: Budget): number {
    return 'ms' in life ? this.counts.getRemainingTTL(name) : life.untilEpochSeconds * 1000 - Date.now();
  }
}

/** A flush a second costs a disk nothing, and losing a second's events costs a month nothing. */
const SAVE_EVERY_MS = 1_000;

interface Count {
  readonly events: number;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/**
 * Events by tenant and month, in memory and in a file that is at most a second older: one flush serves all requests between.
 * A file that cannot be read or written loses counts, and fails no request.
 */
export class EventCountsFile {
  private readonly logger = new Logger('Limits');
  private readonly counts: Map<string, Count>;
  private timer: NodeJS.Timeout | undefined;
  private saving: Promise<void> = Promise.resolve();
  private isFailing = false;

  /** @param path of the file, whose folder is made when it is missing */
  constructor(private readonly path: string) {
    this.counts = this.read();
  }

  get(name: string): number {
    return this.counts.get(keyOf(name))?.events ?? 0;
  }

  /** @param expiresAt when the count is removed, in seconds since 1970 */
  set(name: string, events: number, expiresAt: number): void {
    this.counts.set(keyOf(name), { events, expiresAt });
    this.timer ??= setTimeout(() => this.save(), SAVE_EVERY_MS).unref();
  }

  /** Resolves when everything is in the file. */
  async close(): Promise<void> {
    if (this.timer !== undefined) this.save();
    await this.saving;
  }

  private save(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.saving = this.saving.then(() => this.write());
  }

  private async write(): Promise<void> {
    const now = Date.now() / 1000;
    for (const [key, { expiresAt }] of this.counts) {
      if (expiresAt < now) this.counts.delete(key);
    }
    const unfinished = `${this.path}.new`;
    try {
      await writeFile(unfinished, JSON.stringify(Object.fromEntries(this.counts)), { mode: 0o600, flush: true });
      await rename(unfinished, this.path);
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) {
        this.logger.warn(
          `The month's events are counted, but a restart would forget them: ${this.path} cannot be written (${String(errorCodeOf(error))}).`,
        );
      }
      this.isFailing = true;
    }
  }

  private read(): Map<string, Count> {
    mkdirSync(dirname(this.path), { recursive: true });
    try {
      return new Map(Object.entries(JSON.parse(readFileSync(this.path, 'utf8')) as Record<string, Count>));
    } catch (error) {
      if (errorCodeOf(error) !== 'ENOENT') {
        this.logger.warn(`The month's events are counted from 0: ${this.path} cannot be read.`);
      }
      return new Map();
    }
  }
}

/** The form of existing files: `acme 2026-11`. */
function keyOf(name: string): string {
  return name.replace(/^events:/, '').replaceAll(':', ' ');
}
