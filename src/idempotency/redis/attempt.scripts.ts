import { SEED_CHARACTERS } from '../seed.js';
import { NOTE_CHARACTERS } from './note.codec.js';

const NOW = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000);`;

/**
 * Text in, because one long argument costs the sender a tenth of what two hundred short ones do. KEYS: serving. ARGV: the life
 * of a note in ms, `<fingerprint> <notes>` and `<fingerprint>` of what is not being served any more, each on a line.
 */
export const NOTE = `
for fingerprint in string.gmatch(ARGV[3], '[^\\n]+') do redis.call('HDEL', KEYS[1], fingerprint) end
for fingerprint, notes in string.gmatch(ARGV[2], '([^ ]+) ([^\\n]+)\\n') do redis.call('HSET', KEYS[1], fingerprint, notes) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])`;

/**
 * KEYS: broken, serving of the taker, index. ARGV: the fingerprint, the life of a note in ms.
 * Answers [the note that the taker has now, or '', how many are left].
 */
export const TAKE = `
${NOW}
local life = tonumber(ARGV[2])
local taken = ''
local fields = redis.call('HGETALL', KEYS[1])
for f = 1, #fields, 2 do
  if taken ~= '' then break end
  redis.call('HDEL', KEYS[1], fields[f])
  if now - tonumber(string.sub(fields[f + 1], 2)) <= life then
    taken = fields[f] .. string.sub(fields[f + 1], 1, 1)
    redis.call('HSET', KEYS[2], ARGV[1], (redis.call('HGET', KEYS[2], ARGV[1]) or '') .. taken)
    redis.call('PEXPIRE', KEYS[2], life)
  end
end
local left = redis.call('HLEN', KEYS[1])
if left == 0 then redis.call('ZREM', KEYS[3], ARGV[1]) end
return { taken, left }`;

const KEEP = `
local function keep(key, index, channel, fingerprint, seed, flag, life)
  redis.call('HSET', key, seed, flag .. now)
  redis.call('PEXPIRE', key, life)
  redis.call('ZADD', index, now, fingerprint)
  redis.call('PUBLISH', channel, fingerprint)
end`;

/**
 * KEYS: broken, index, the counts of the tenant and of all. ARGV: the fingerprint, the seed, `D` or `-`, the life in ms, the
 * most of a tenant, the most in all, the channel.
 */
export const BREAK = `
${NOW}
${KEEP}
local life = ARGV[4]
for i = 3, 4 do
  if tonumber(redis.call('GET', KEYS[i]) or 0) >= tonumber(ARGV[i + 2]) then return end
end
for i = 3, 4 do
  if redis.call('INCR', KEYS[i]) == 1 then redis.call('PEXPIRE', KEYS[i], life) end
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - life)
keep(KEYS[1], KEYS[2], ARGV[7], ARGV[1], ARGV[2], ARGV[3], life)
redis.call('PEXPIRE', KEYS[2], life)`;

/** KEYS: broken. ARGV: a seed that is durable after all. */
export const CONFIRM = `
local value = redis.call('HGET', KEYS[1], ARGV[1])
if value then redis.call('HSET', KEYS[1], ARGV[1], 'D' .. string.sub(value, 2)) end`;

/**
 * What an instance was serving when it ended is broken now. KEYS: serving of the instance, index, instances. ARGV: the
 * instance, what the keys of broken ones start with, the life in ms, the channel.
 */
export const ADOPT = `
${NOW}
${KEEP}
local fields = redis.call('HGETALL', KEYS[1])
for f = 1, #fields, 2 do
  for at = 1, #fields[f + 1], ${NOTE_CHARACTERS} do
    local note = string.sub(fields[f + 1], at, at + ${NOTE_CHARACTERS - 1})
    local seed, flag = string.sub(note, 1, ${SEED_CHARACTERS}), string.sub(note, -1)
    keep(ARGV[2] .. fields[f], KEYS[2], ARGV[4], fields[f], seed, flag, ARGV[3])
  end
end
if #fields > 0 then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[3], ARGV[1])`;
