import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { valueOf } from '../support/prometheus.js';
import { waitUntil } from '../support/wait-until.js';
import type { CrashReport, RoundReport, StoredCounts } from './crash.report.js';
import type { Deployment } from './deployment.js';
import { DEPLOYMENTS } from './deployments.js';
import { Load } from './load.js';
import type { Part } from './part.js';
import type { Round } from './round.js';
import { countStored, storedRequests } from './stored.events.js';
import { Tally } from './tally.js';
import { verdictOn } from './verdict.js';

const CALM_MS = 1_000;
const RECOVERS_WITHIN_MS = 60_000;
const LAST_ANSWERS_WITHIN_MS = 60_000;
/** The queue counts as stuck when nothing was stored for this long: longer than any lock or wait of a worker. */
const STUCK_AFTER_MS = 45_000;
/** Stats may be some seconds old. */
const STATS_WITHIN_MS = 15_000;

export interface CrashTestOptions {
  readonly transport: keyof typeof DEPLOYMENTS;
  readonly apis: number;
  readonly workers?: number;
  readonly eventsPerSecond: number;
  /** Settings of every process of the service, beside those that make the deployment. */
  readonly settings?: Readonly<Record<string, string>>;
  /** What is done, given the names of the parts. */
  readonly rounds: (names: readonly string[]) => Iterable<Round>;
  /** Is told of each round when it is over. */
  readonly onRound?: (report: RoundReport) => void;
  readonly onPhase?: (phase: string) => void;
}

/** Sends events while the parts of a deployment crash, and finds out whether each was stored once. Leaves nothing behind. */
export async function runCrashTest(options: CrashTestOptions): Promise<CrashReport> {
  const folder = await mkdtemp(join(tmpdir(), 'segops-crash-'));
  const deployment = await DEPLOYMENTS[options.transport]({
    folder,
    apis: options.apis,
    workers: options.workers ?? 1,
    settings: options.settings ?? {},
  });
  try {
    return await crash(deployment, options);
  } finally {
    await Promise.all(deployment.parts.map((part) => part.kill()));
    await deployment.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

async function crash(deployment: Deployment, options: CrashTestOptions): Promise<CrashReport> {
  const { parts, apiUrls, clickhouseUrl } = deployment;
  const key = await deployment.seedKey();
  await Promise.all(parts.map((part) => part.start()));
  const tally = new Tally();
  const load = new Load({ apiUrls, key, tally, eventsPerSecond: options.eventsPerSecond });
  const problems: string[] = [];
  let rounds: RoundReport[];
  try {
    rounds = await goThrough(deployment, options, tally, problems);
    options.onPhase?.('waiting for the last answers');
    await load.stop(LAST_ANSWERS_WITHIN_MS);
  } finally {
    await load.stop(0);
  }
  const { longestUnavailabilityMs } = tally;
  options.onPhase?.('waiting until the queue is empty');
  if (!(await drained(deployment))) {
    problems.push(`the queue is not empty, and nothing was stored for ${STUCK_AFTER_MS} ms`);
  }
  const judge = async () => verdictOn(load.requests, await storedRequests(clickhouseUrl));
  let verdict = await judge();
  // Where the broker does not tell what waits, the count of it may be short after a crash: what is missing may still come.
  const until = Date.now() + STUCK_AFTER_MS;
  while (verdict.lost > 0 && Date.now() < until) {
    await sleep(1_000);
    verdict = await judge();
  }
  const counts = await countsOf(deployment, key);
  for (const part of parts.toReversed()) {
    const problem = await part.stop();
    if (problem !== undefined) problems.push(problem);
  }
  return { verdict, counts, longestUnavailabilityMs, rounds, problems };
}

/** Waits a while until they agree. */
async function countsOf({ clickhouseUrl, apiUrls }: Deployment, key: string): Promise<StoredCounts> {
  const until = Date.now() + STATS_WITHIN_MS;
  for (;;) {
    const counts = { ...(await countStored(clickhouseUrl)), stats: await totalOf(apiUrls[0] ?? '', key) };
    if (counts.stats === counts.numbers || Date.now() > until) return counts;
    await sleep(500);
  }
}

/** What the service itself says: `total_events` of 7 days. */
async function totalOf(apiUrl: string, key: string): Promise<number> {
  const response = await fetch(`${apiUrl}/api/ingestion/stats/?window=7d`, {
    headers: { authorization: `ApiKey ${key}`, connection: 'close' },
  });
  if (!response.ok) throw new Error(`/stats/ answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { total_events: number }).total_events;
}

async function goThrough(
  { parts }: Deployment,
  { rounds, onRound }: CrashTestOptions,
  tally: Tally,
  problems: string[],
): Promise<RoundReport[]> {
  const reports: RoundReport[] = [];
  await recovered(tally);
  tally.take();
  for (const round of rounds(parts.map(({ name }) => name))) {
    await ACTIONS[round.what](
      parts.filter(({ name }) => round.parts.includes(name)),
      round.forMs,
    );
    if (!(await recovered(tally))) {
      problems.push(`no 202 within ${RECOVERS_WITHIN_MS} ms after ${round.what} of ${round.parts.join(', ')}`);
    }
    await sleep(CALM_MS);
    const report = { round, ...tally.take() };
    reports.push(report);
    onRound?.(report);
  }
  return reports;
}

const ACTIONS: Readonly<Record<Round['what'], (parts: readonly Part[], forMs: number) => Promise<void>>> = {
  kill: async (parts, forMs) => {
    await Promise.all(parts.map((part) => part.kill()));
    await sleep(forMs);
    // All at once, so that whoever comes up first has to wait for the others.
    await Promise.all(parts.map((part) => part.start()));
  },
  pause: async (parts, forMs) => {
    for (const part of parts) part.pause();
    await sleep(forMs);
    for (const part of parts) part.resume();
  },
};

/** Whether something is accepted again: a few requests, so that no answer from before counts. */
async function recovered(tally: Tally): Promise<boolean> {
  const before = tally.accepted;
  return waitUntil(() => tally.accepted > before + 5, { timeoutMs: RECOVERS_WITHIN_MS }).then(
    () => true,
    () => false,
  );
}

/** Resolves when the queue says that it is empty, or nothing has been stored for a long time. @returns whether it is empty */
async function drained({ metricsUrls, clickhouseUrl }: Deployment): Promise<boolean> {
  let stored = -1;
  let progressAt = Date.now();
  let emptyLooks = 0;
  while (Date.now() - progressAt < STUCK_AFTER_MS) {
    const { numbers: now } = await countStored(clickhouseUrl);
    if (now > stored) progressAt = Date.now();
    stored = now;
    // Twice, since what moves from one place in the queue to another may be seen in neither.
    emptyLooks = (await queuedBatches(metricsUrls)) === 0 ? emptyLooks + 1 : 0;
    if (emptyLooks === 2) return true;
    await sleep(500);
  }
  return false;
}

/** Batches in the queue, and in the spools before it; undefined while somebody cannot tell. */
async function queuedBatches(metricsUrls: readonly string[]): Promise<number | undefined> {
  const scrapes = await Promise.all(metricsUrls.map((url) => scrape(url)));
  // All tell of the same queue, and each of its own spool.
  const counts = [
    valueOf(scrapes[0] ?? '', 'segops_queue_batches'),
    ...scrapes.map((text) => valueOf(text, 'segops_spool_batches')),
  ];
  return counts.some((count) => count === undefined) ? undefined : counts.reduce<number>((sum, n) => sum + (n ?? 0), 0);
}

async function scrape(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  return response.text();
}
