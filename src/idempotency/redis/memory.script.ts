/**
 * KEYS: the entry, the bytes that its space took in of the tenant within a life, and of all tenants. ARGV: the value, the
 * life in ms, the entry's bytes, the most of a tenant, the most in all. A life of counting begins with the first entry.
 */
export const REMEMBER = `
if redis.call('EXISTS', KEYS[1]) == 1 then return end
local life, bytes = ARGV[2], tonumber(ARGV[3])
for i = 2, 3 do
  if tonumber(redis.call('GET', KEYS[i]) or 0) + bytes > tonumber(ARGV[i + 2]) then return end
end
for i = 2, 3 do
  if redis.call('INCRBY', KEYS[i], bytes) == bytes then redis.call('PEXPIRE', KEYS[i], life) end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', life)`;
