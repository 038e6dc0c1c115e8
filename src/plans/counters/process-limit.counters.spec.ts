import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { waitUntil } from '../../../test/support/wait-until.js';
import type { Budget } from './limit.counters.js';
import { EventCountsFile, ProcessLimitCounters } from './process-limit.counters.js';

const IN_A_MONTH = Math.floor(Date.now() / 1000) + 30 * 24 * 60 * 60;

describe('ProcessLimitCounters', () => {
  let folder: string;
  let file: string;
  let counters: ProcessLimitCounters;
  let warnings: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'segops-counters-'));
    file = join(folder, 'data', 'counts.json');
    warnings = [];
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((line: unknown) => void warnings.push(String(line)));
    counters = start();
  });
  afterEach(async () => {
    await counters.onApplicationShutdown();
    jest.restoreAllMocks();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = () => new ProcessLimitCounters(new EventCountsFile(file));
  const month = (tenantId = 'acme', name = '2026-11', untilEpochSeconds = IN_A_MONTH, limit = 10): Budget => ({
    name: `events:${tenantId}:${name}`,
    limit,
    life: { untilEpochSeconds },
  });
  const minute = (tenantId: string, limit = 10): Budget => ({
    name: `calls:${tenantId}`,
    limit,
    life: { ms: 60_000 },
  });
  const take = (events: number, of = month()) => counters.take('events', [of], events);
  /** Beyond the limit, so that it changes nothing. */
  const usedBy = async (of = month()) => (await take(0, { ...of, limit: -1 })).budgets[0]!.used;

  it('should count the calls of each tenant in a minute of its own', async () => {
    expect((await take(1, minute('acme'))).budgets[0]).toEqual({ used: 0, msLeft: expect.any(Number) });
    const { used, msLeft } = (await take(1, minute('acme'))).budgets[0]!;
    expect(used).toBe(1);
    expect(msLeft).toBeGreaterThan(0);
    expect(msLeft).toBeLessThanOrEqual(60_000);
    expect(await usedBy(minute('other'))).toBe(0);
  });

  it('should count all events of a request or, beyond the limit, none', async () => {
    expect(await take(7)).toMatchObject({ short: undefined, budgets: [{ used: 0 }] });
    expect(await take(4)).toMatchObject({ short: 0, budgets: [{ used: 7 }] });
    expect(await take(3)).toMatchObject({ short: undefined, budgets: [{ used: 7 }] });
    expect(await take(1)).toMatchObject({ short: 0, budgets: [{ used: 10 }] });
  });

  it('should take from all budgets, or from none when one has too little left', async () => {
    const budgets = [minute('acme', 2), month()];
    expect(await counters.take('events', budgets, 2)).toMatchObject({ short: undefined });
    expect(await counters.take('events', budgets, 1)).toMatchObject({ short: 0, budgets: [{ used: 2 }, { used: 2 }] });
    expect(await usedBy()).toBe(2);
    await counters.giveBack('events', budgets, 1);
    expect([await usedBy(budgets[0]), await usedBy()]).toEqual([1, 1]);
  });

  it('should count tenants and months apart', async () => {
    await take(3, month('acme', '2026-11'));
    expect(await usedBy(month('acme', '2026-12'))).toBe(0);
    expect(await usedBy(month('other', '2026-11'))).toBe(0);
    expect(await usedBy(month('acme', '2026-11:public'))).toBe(0);
  });

  it('should take events off again, and never count below zero', async () => {
    await take(7);
    await counters.giveBack('events', [month()], 5);
    expect(await usedBy()).toBe(2);
    await counters.giveBack('events', [month()], 5);
    expect(await usedBy()).toBe(0);
  });

  it('should know what a build counted that had no other budgets', async () => {
    writeFileSync(file, JSON.stringify({ 'acme 2026-11': { events: 4, expiresAt: IN_A_MONTH } }));
    counters = start();
    expect(await usedBy()).toBe(4);
  });

  it('should know the events of the month after a restart', async () => {
    await take(7);
    await counters.onApplicationShutdown();
    counters = start();
    expect(await usedBy()).toBe(7);
    expect(warnings).toEqual([]);
  });

  it('should know them after a crash too, but for the last second', async () => {
    await take(7);
    // Nothing closes the first one.
    await waitUntil(async () => {
      counters = start();
      return (await usedBy()) === 7;
    });
  });

  it('should forget months that are over', async () => {
    await take(7, month('acme', '2026-10', Date.now() / 1000 - 1));
    await take(3);
    await counters.onApplicationShutdown();
    counters = start();
    expect(await usedBy(month('acme', '2026-10'))).toBe(0);
    expect(await usedBy()).toBe(3);
  });

  it('should count from 0, saying so, where the file is not what it wrote', async () => {
    writeFileSync(file, '{"acme 2026-');
    counters = start();
    expect(await usedBy()).toBe(0);
    expect(warnings).toEqual([expect.stringContaining('counted from 0')]);
  });

  it('should go on counting, saying so once, where the file cannot be written', async () => {
    rmSync(join(folder, 'data'), { recursive: true });
    for (let i = 0; i < 2; i++) {
      await take(1);
      await counters.onApplicationShutdown();
    }
    expect(await usedBy()).toBe(2);
    expect(warnings).toEqual([expect.stringContaining('a restart would forget them')]);
    expect(readdirSync(folder)).toEqual([]);
  });
});
