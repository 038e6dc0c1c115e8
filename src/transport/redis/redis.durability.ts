import type { Redis } from 'ioredis';

/** Something about a Redis that breaks the promise that a 202 is on disk, with its remedy. */
export interface RedisFinding {
  /**
   * `unusable`: BullMQ does not run on it. `lossy`: it forgets accepted events in its ordinary course, on a restart or when its
   * memory is full. `risky`: it may lose the last second before a crash, or is older than what BullMQ is tested with.
   */
  readonly gravity: 'unusable' | 'lossy' | 'risky';
  readonly text: string;
}

/** BullMQ 6 refuses to work below the first, and warns below the second. */
const OLDEST_USABLE = [5, 0] as const;
const OLDEST_RECOMMENDED = [6, 2] as const;

/**
 * Judges a Redis by what it tells of itself; empty when all is well. Managed Redis often does not tell its `appendfsync`, which
 * then is not judged.
 */
export async function checkDurability(redis: Redis): Promise<RedisFinding[]> {
  // All sections: two in one question are too much for a Redis older than 7.
  const info = await redis.info();
  const appendfsync = await redis.config('GET', 'appendfsync').then(
    (answer) => (answer as string[])[1],
    () => undefined,
  );
  return judge(info, appendfsync);
}

/** @param appendfsync undefined when it is not known */
function judge(info: string, appendfsync: string | undefined): RedisFinding[] {
  return [...ageFindings(info), ...diskFindings(info, appendfsync), ...memoryFindings(info)];
}

function ageFindings(info: string): RedisFinding[] {
  // Every Valkey is young enough: the first was Redis 7.2, which is what it calls itself to clients of Redis still.
  if (/^(valkey_version:|server_name:valkey)/m.test(info)) return [];
  const [version, major, minor] = /^redis_version:(\d+)\.(\d+)\S*/m.exec(info) ?? [];
  if (version === undefined) {
    return [];
  }
  const isOlderThan = ([oldestMajor, oldestMinor]: readonly [number, number]): boolean =>
    Number(major) < oldestMajor || (Number(major) === oldestMajor && Number(minor) < oldestMinor);
  const text = `its version is too old (${version.replace('redis_version:', '')}). Use Redis 7, or ${OLDEST_RECOMMENDED.join('.')} at least.`;
  if (isOlderThan(OLDEST_USABLE)) {
    return [{ gravity: 'unusable', text }];
  }
  return isOlderThan(OLDEST_RECOMMENDED) ? [{ gravity: 'risky', text }] : [];
}

function diskFindings(info: string, appendfsync: string | undefined): RedisFinding[] {
  if (!/^aof_enabled:1/m.test(info)) {
    const text = 'it has no append-only file, and loses accepted events when it ends. Set appendonly yes.';
    return [{ gravity: 'lossy', text }];
  }
  if (appendfsync === 'no') {
    const text = 'it leaves it to the system when its append-only file gets on disk. Set appendfsync always.';
    return [{ gravity: 'lossy', text }];
  }
  return appendfsync === undefined || appendfsync === 'always'
    ? []
    : [
        {
          gravity: 'risky',
          text: 'it answers before its append-only file is on disk. Set appendfsync always.',
        },
      ];
}

function memoryFindings(info: string): RedisFinding[] {
  const text = 'it may evict accepted events when its memory is full. Set maxmemory-policy noeviction.';
  return /^maxmemory_policy:noeviction/m.test(info) ? [] : [{ gravity: 'lossy', text }];
}
