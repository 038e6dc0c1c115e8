import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment } from '../../test/crash/deployment.js';
import { DEPLOYMENTS } from '../../test/crash/deployments.js';
import type { Part } from '../../test/crash/part.js';
import { ServicePart } from '../../test/crash/service.part.js';
import { waitUntil } from '../../test/support/wait-until.js';
import type { FigureContext } from '../figure.js';
import type { Counted } from '../measure/cpu.shares.js';
import { type StoredCounts, storedCounts } from './stored.counts.js';

const WAREHOUSE = 'clickhouse';
/** Longer than any wait of a worker. */
const STUCK_AFTER_MS = 45_000;
const LOOK_EVERY_MS = 20;

export interface DeploymentWishes {
  /** Processes that take events; 1 when left out. Transports that allow one only have one. */
  readonly apis?: number;
  /** Whether ClickHouse is started with the others (the default), or later by {@link RunningDeployment.startWarehouse}. */
  readonly warehouse?: 'now' | 'later';
  /** Whether the control plane is in PostgreSQL, as in production, where the transport takes several processes. */
  readonly postgres?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
}

/** The service, built as for production, and its servers, in processes of their own. */
export class RunningDeployment {
  private constructor(
    private readonly deployment: Deployment,
    private readonly profileFolder: string | undefined,
    readonly key: string,
  ) {}

  /** Starts one, lets `use` have it, and removes it. */
  static async during<T>(
    context: FigureContext,
    wishes: DeploymentWishes,
    use: (deployment: RunningDeployment) => Promise<T>,
  ): Promise<T> {
    const { folder, transport, profileFolder } = context;
    const { apis = 1, settings, warehouse = 'now', postgres } = wishes;
    const deployment = await DEPLOYMENTS[transport]({
      folder: join(folder, String(Date.now())),
      apis,
      ...(postgres === undefined ? {} : { postgres }),
      settings: { ...settings, ...profiling(profileFolder) },
    });
    const parts = deployment.parts.filter(({ name }) => warehouse === 'now' || name !== WAREHOUSE);
    try {
      const key = await deployment.seedKey();
      await Promise.all(parts.map((part) => part.start()));
      const running = new RunningDeployment(deployment, profileFolder, key);
      if (warehouse === 'now') await running.untilStored(0);
      return await use(running);
    } finally {
      await Promise.all(deployment.parts.map((part) => part.kill()));
      await deployment.remove();
    }
  }

  get apiUrls(): readonly string[] {
    return this.deployment.apiUrls;
  }

  get clickhouseUrl(): string {
    return this.deployment.clickhouseUrl;
  }

  /** Every process by now. */
  get processes(): readonly Counted[] {
    return counted(this.deployment.parts);
  }

  /** The service's own. */
  get services(): readonly Counted[] {
    return counted(this.deployment.parts.filter((part) => part instanceof ServicePart));
  }

  async startWarehouse(): Promise<void> {
    await this.part(WAREHOUSE).start();
  }

  /**
   * Resolves when so many events are queryable, with the time at which they were seen to be: milliseconds since 1970.
   * @throws Error when nothing has been stored for a long time
   */
  async untilStored(events: number): Promise<number> {
    let stored = -1;
    let progressAt = Date.now();
    await waitUntil(
      async () => {
        const { rows } = await storedCounts(this.clickhouseUrl, 'quick').catch(() => NOTHING);
        if (rows > stored) progressAt = Date.now();
        if (Date.now() - progressAt > STUCK_AFTER_MS) {
          throw new Error(`${rows} of ${events} events are stored, and nothing more for ${STUCK_AFTER_MS} ms`);
        }
        stored = rows;
        return rows >= events;
      },
      { timeoutMs: 3_600_000, everyMs: LOOK_EVERY_MS },
    );
    return Date.now();
  }

  /**
   * Waits until all is stored, and compares: a figure about events that were lost or doubled means nothing. An event is an id: what
   * was delivered twice may have two rows of one id until they are merged.
   * @throws Error when not exactly what was accepted is stored
   */
  async requireStored(accepted: number): Promise<void> {
    await this.untilStored(accepted);
    let counts = NOTHING;
    const look = async (): Promise<boolean> => {
      counts = await storedCounts(this.clickhouseUrl, 'exact');
      return counts.distinct >= accepted;
    };
    await waitUntil(look, { timeoutMs: STUCK_AFTER_MS, everyMs: LOOK_EVERY_MS }).catch(() => undefined);
    if (counts.distinct !== accepted) {
      throw new Error(
        `${accepted} events were accepted, ${counts.rows} rows with ${counts.distinct} different ids are stored`,
      );
    }
  }

  /** Does the work, with CPU profiles of the service's processes if they were asked for. */
  async profiled<T>(work: () => Promise<T>): Promise<T> {
    const { profileFolder } = this;
    if (profileFolder === undefined) return work();
    const toggle = (): void => {
      for (const { pid } of this.services) process.kill(pid, 'SIGUSR2');
    };
    toggle();
    try {
      return await work();
    } finally {
      toggle();
      const files = this.services.map(({ name }) => join(profileFolder, `${name.replace(/-\d+$/, '')}.cpuprofile`));
      await waitUntil(() => files.every((file) => existsSync(file)), { timeoutMs: 60_000 });
    }
  }

  part(name: string): Part {
    const part = this.deployment.parts.find((candidate) => candidate.name === name);
    if (part === undefined) throw new Error(`The deployment has no ${name}.`);
    return part;
  }
}

const NOTHING: StoredCounts = { rows: -1, distinct: -1 };

function counted(parts: readonly Part[]): Counted[] {
  return parts.flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }]));
}

function profiling(folder: string | undefined): Record<string, string> {
  if (folder === undefined) return {};
  const hook = join(__dirname, '../measure/profile.hook.cjs');
  return { NODE_OPTIONS: `--require ${hook}`, BENCH_PROFILE_FOLDER: folder };
}
