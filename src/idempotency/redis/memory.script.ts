/**
 * KEYS: the entry, and what its bounds are counted under. ARGV: the value, the life in ms, the entry's bytes, the most of
 * each bound. A life of counting begins with the first entry. Answers the place of the bound that has no room for it, or 0.
 */
export const REMEMBER = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local life, bytes = ARGV[2], tonumber(ARGV[3])
for i = 2, #KEYS do
  if tonumber(redis.call('GET', KEYS[i]) or 0) + bytes > tonumber(ARGV[i + 2]) then return i - 1 end
end
for i = 2, #KEYS do
  if redis.call('INCRBY', KEYS[i], bytes) == bytes then redis.call('PEXPIRE', KEYS[i], life) end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', life)
return 0`;
