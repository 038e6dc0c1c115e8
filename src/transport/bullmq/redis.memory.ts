/** How much memory a Redis may take, and which part of it is used; neither when it does not tell. */
export interface RedisMemory {
  readonly memoryRatio: number | undefined;
  readonly memoryBytes: number | undefined;
}

/**
 * Reads the answer to `INFO memory`. Without a `maxmemory` the limit is the machine's memory. Counts as Redis itself does
 * before it refuses a write: without the buffers that it does not hold against the limit.
 */
export function redisMemory(info: string): RedisMemory {
  const value = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const memoryBytes = value('maxmemory') || value('total_system_memory');
  if (memoryBytes === 0) {
    return { memoryRatio: undefined, memoryBytes: undefined };
  }
  const used = Math.max(0, value('used_memory') - value('mem_not_counted_for_evict'));
  return { memoryRatio: used / memoryBytes, memoryBytes };
}
