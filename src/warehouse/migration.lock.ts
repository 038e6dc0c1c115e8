import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { uuid7 } from '../common/uuid7.js';
import { WarehouseCluster } from './clickhouse.client.js';

const LOCK = 'schema_migrations_lock';
const TABLE_ALREADY_EXISTS = '57';
const UNKNOWN_TABLE = '60';

export interface MigrationLockTimes {
  /** How often the holder shows that it is alive, in ms. */
  readonly heartbeatMs: number;
  /** After how many seconds without a sign of life others may take the lock. */
  readonly expirySeconds: number;
  readonly pollMs: number;
}

const TIMES: MigrationLockTimes = { heartbeatMs: 3_000, expirySeconds: 15, pollMs: 200 };

/**
 * At most one process migrates a database. The lock is a table, because creating one is atomic; its comment names the holder,
 * and its age by the server's clock tells whether the holder still lives. Whoever finds it expired renames it to a name made of
 * *that* holder's: it fails when someone else was faster, so a lock that was taken since cannot be broken by mistake. (A
 * table's own UUID would not do: in databases of the embedded engine it is always zero.) On a cluster all of it goes through
 * the queue of DDL, which every server works off in the same order, so that all agree whose the lock is.
 */
export class MigrationLock {
  private readonly heartbeat: NodeJS.Timeout;
  /** The beat that is on its way: the server minds when two change the lock at once, or one renames it meanwhile. */
  private beating: Promise<void> | undefined;
  private beats = 0;
  private lost = false;

  private constructor(
    private readonly client: ClickHouseClient,
    private readonly holder: string,
    times: MigrationLockTimes,
  ) {
    this.heartbeat = setInterval(() => {
      this.beating ??= this.beat().finally(() => {
        this.beating = undefined;
      });
    }, times.heartbeatMs).unref();
  }

  /** Waits for as long as another process holds the lock and lives. */
  static async acquire(client: ClickHouseClient, times: MigrationLockTimes = TIMES): Promise<MigrationLock> {
    const holder = uuid7().replaceAll('-', '');
    for (;;) {
      if (await createLock(client, holder)) {
        return new MigrationLock(client, holder, times);
      }
      const held = await findLock(client);
      if (held && held.idleSeconds > times.expirySeconds) {
        await retire(client, held.holder);
        // The retired table stays: were it dropped, a slower process could retire the next lock by its name.
      } else {
        await new Promise((resolve) => setTimeout(resolve, times.pollMs));
      }
    }
  }

  /** @throws Error when this process was silent for so long that another one took over */
  assertHeld(): void {
    if (this.lost) {
      throw new Error(
        'Another process took over the migration of ClickHouse, as this one seemed dead. Start it again.',
      );
    }
  }

  async release(): Promise<void> {
    clearInterval(this.heartbeat);
    await this.beating;
    if ((await findLock(this.client))?.holder === this.holder) {
      const retired = await retire(this.client, this.holder);
      if (retired) {
        await this.client.command({ query: `DROP TABLE ${retired}${onCluster(this.client)}` });
      }
    }
  }

  private async beat(): Promise<void> {
    try {
      this.lost = (await findLock(this.client))?.holder !== this.holder;
      if (!this.lost) {
        await this.client.command({
          query: `ALTER TABLE ${LOCK}${onCluster(this.client)} MODIFY COMMENT '${this.holder} ${++this.beats}'`,
        });
      }
    } catch {
      // The next beat tries again. If none comes through, the lock expires, and that is right.
    }
  }
}

async function createLock(client: ClickHouseClient, holder: string): Promise<boolean> {
  try {
    const table = `${LOCK}${onCluster(client)}`;
    await client.command({ query: `CREATE TABLE ${table} (nothing UInt8) ENGINE = Null COMMENT '${holder} 0'` });
    return true;
  } catch (error) {
    if (error instanceof ClickHouseError && error.code === TABLE_ALREADY_EXISTS) {
      return false;
    }
    throw error;
  }
}

async function findLock(client: ClickHouseClient): Promise<{ holder: string; idleSeconds: number } | undefined> {
  const result = await client.query({
    query: `
      SELECT splitByChar(' ', comment)[1] AS holder, toInt32(dateDiff('second', metadata_modification_time, now())) AS idleSeconds
      FROM system.tables WHERE database = currentDatabase() AND name = {name: String}`,
    query_params: { name: LOCK },
    format: 'JSONEachRow',
  });
  const [lock] = await result.json<{ holder: string; idleSeconds: number }>();
  return lock;
}

/**
 * Takes this holder's lock out of the way.
 * @returns the name it has now; undefined when someone else was faster
 */
async function retire(client: ClickHouseClient, holder: string): Promise<string | undefined> {
  // A lock of a version that named nobody has the number of its beats for a comment.
  const retired = `${LOCK}_${/^\w+$/.test(holder) ? holder : 'of_nobody'}`;
  try {
    await client.command({ query: `RENAME TABLE ${LOCK} TO ${retired}${onCluster(client)}` });
    return retired;
  } catch (error) {
    if (error instanceof ClickHouseError && [TABLE_ALREADY_EXISTS, UNKNOWN_TABLE].includes(error.code)) {
      return undefined;
    }
    throw error;
  }
}

function onCluster(client: ClickHouseClient): string {
  const cluster = WarehouseCluster.of(client);
  return cluster === undefined ? '' : ` ${cluster.clause}`;
}
