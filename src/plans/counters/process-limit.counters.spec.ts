import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { waitUntil } from '../../../test/support/wait-until.js';
import { EventCountsFile } from './event-counts.file.js';
import { ProcessLimitCounters } from './process-limit.counters.js';

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
  const account = (tenantId = 'acme', month = '2026-11', expiresAt = IN_A_MONTH) => ({ tenantId, month, expiresAt });
  const usedBy = async (of = account()) => (await counters.reserveEvents(of, 0, -1)).used;

  it('should count the calls of each tenant in a minute of its own', async () => {
    expect(await counters.addCall('acme')).toEqual({ calls: 1, msLeft: 60_000 });
    const second = await counters.addCall('acme');
    expect(second.calls).toBe(2);
    expect(second.msLeft).toBeGreaterThan(50_000);
    expect((await counters.addCall('other')).calls).toBe(1);
  });

  it('should count all events of a request or, beyond the limit, none', async () => {
    expect(await counters.reserveEvents(account(), 7, 10)).toEqual({ isCounted: true, used: 0 });
    expect(await counters.reserveEvents(account(), 4, 10)).toEqual({ isCounted: false, used: 7 });
    expect(await counters.reserveEvents(account(), 3, 10)).toEqual({ isCounted: true, used: 7 });
    expect(await counters.reserveEvents(account(), 1, 10)).toEqual({ isCounted: false, used: 10 });
  });

  it('should count tenants and months apart', async () => {
    await counters.reserveEvents(account('acme', '2026-11'), 3, 10);
    expect(await usedBy(account('acme', '2026-12'))).toBe(0);
    expect(await usedBy(account('other', '2026-11'))).toBe(0);
  });

  it('should take events off again, and never count below zero', async () => {
    await counters.reserveEvents(account(), 7, 10);
    await counters.releaseEvents(account(), 5);
    expect(await usedBy()).toBe(2);
    await counters.releaseEvents(account(), 5);
    expect(await usedBy()).toBe(0);
  });

  it('should know the events of the month after a restart', async () => {
    await counters.reserveEvents(account(), 7, 10);
    await counters.onApplicationShutdown();
    counters = start();
    expect(await usedBy()).toBe(7);
    expect(warnings).toEqual([]);
  });

  it('should know them after a crash too, but for the last second', async () => {
    await counters.reserveEvents(account(), 7, 10);
    // Nothing closes the first one.
    await waitUntil(async () => {
      counters = start();
      return (await usedBy()) === 7;
    });
  });

  it('should forget months that are over', async () => {
    await counters.reserveEvents(account('acme', '2026-10', Date.now() / 1000 - 1), 7, 10);
    await counters.reserveEvents(account(), 3, 10);
    await counters.onApplicationShutdown();
    counters = start();
    expect(await usedBy(account('acme', '2026-10'))).toBe(0);
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
      await counters.reserveEvents(account(), 1, 10);
      await counters.onApplicationShutdown();
    }
    expect(await usedBy()).toBe(2);
    expect(warnings).toEqual([expect.stringContaining('a restart would forget them')]);
    expect(readdirSync(folder)).toEqual([]);
  });
});
