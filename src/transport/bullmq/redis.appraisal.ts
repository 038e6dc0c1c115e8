import type { Redis } from 'ioredis';

/**
 * What keeps this Redis from holding on to what it was given, each with its remedy; empty when nothing does. Managed
 * Redis often does not tell its `appendfsync`, which then is not judged.
 */
export async function durabilityProblems(redis: Redis): Promise<string[]> {
  const info = await redis.info('persistence', 'memory');
  const appendfsync = await redis.config('GET', 'appendfsync').then(
    (answer) => (answer as string[])[1],
    () => undefined,
  );
  const problems: string[] = [];
  if (!info.includes('aof_enabled:1')) {
    problems.push('it has no append-only file, and loses accepted events when it ends. Set appendonly yes.');
  } else if (appendfsync !== undefined && appendfsync !== 'always') {
    problems.push('it answers before its append-only file is on disk. Set appendfsync always.');
  }
  if (!info.includes('maxmemory_policy:noeviction')) {
    problems.push('it may evict accepted events when its memory is full. Set maxmemory-policy noeviction.');
  }
  return problems;
}
