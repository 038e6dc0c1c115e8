import { NOTE_CHARACTERS } from './note.codec.js';
import { SEED_CHARACTERS } from '../seed.js';

/*
 * The attempts of one fingerprint are one hash:
 *   <instance>  (11 characters) → the notes of the attempts that it is serving, one after the other
 *   <seed>      (19 characters) → `D` or `-`, then when it broke: milliseconds, by Redis's own clock
 * An instance rewrites its field as a whole, so a message that was lost is mended by the next. Nearly always its field is
 * the only one, and the hash goes with it.
 */

const NOW = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000);`;

/**
 * Reads only, so that its answer does not wait for the disk. KEYS: the hashes. ARGV: the instance; instances that live, one
 * after the other. Answers the places of the keys in which there is something to take over, or may be.
 */
export const LOOK = `
local places = {}
for i, key in ipairs(KEYS) do
  local fields = redis.call('HLEN', key)
  if fields > 1 or fields == 1 and redis.call('HEXISTS', key, ARGV[1]) == 0 then
    for _, name in ipairs(redis.call('HKEYS', key)) do
      if name ~= ARGV[1] and not string.find(ARGV[2], name, 1, true) then
        places[#places + 1] = i
        break
      end
    end
  end
end
return places`;

/** KEYS: the hashes. ARGV: the instance, the life of a note in ms; then for every key its notes. */
export const NOTE = `
for i, key in ipairs(KEYS) do
  local notes = ARGV[i + 2]
  if notes == '' then redis.call('HDEL', key, ARGV[1])
  else
    redis.call('HSET', key, ARGV[1], notes)
    redis.call('PEXPIRE', key, ARGV[2])
  end
end`;

/**
 * KEYS: the hashes. ARGV: the instance, the life of a note in ms; then for every key its notes, the fresh ones last, how
 * many are fresh, and the instances that have ended, one after the other.
 * Answers for every key that has other fields [its place, the notes taken over, the other instances].
 */
export const CLAIM = `
local me, life = ARGV[1], ARGV[2]
local answers = {}
for i, key in ipairs(KEYS) do
  local notes, fresh, ended = ARGV[3 * i], tonumber(ARGV[3 * i + 1]), ARGV[3 * i + 2]
  redis.call('HSET', key, me, notes)
  redis.call('PEXPIRE', key, life)
  if fresh > 0 and redis.call('HLEN', key) > 1 then
    ${NOW}
    local taken, count, others = {}, 0, {}
    local fields = redis.call('HGETALL', key)
    for f = 1, #fields, 2 do
      local name, value = fields[f], fields[f + 1]
      if #name == ${SEED_CHARACTERS} then
        local isOld = now - tonumber(string.sub(value, 2)) > tonumber(life)
        if isOld or count < fresh then redis.call('HDEL', key, name) end
        if not isOld and count < fresh then
          count = count + 1
          taken[count] = name .. string.sub(value, 1, 1)
        end
      elseif name ~= me then
        if string.find(ended, name, 1, true) then
          local left = 1
          while count < fresh and left <= #value do
            count = count + 1
            taken[count] = string.sub(value, left, left + ${NOTE_CHARACTERS - 1})
            left = left + ${NOTE_CHARACTERS}
          end
          if left > #value then redis.call('HDEL', key, name)
          elseif left > 1 then redis.call('HSET', key, name, string.sub(value, left)) end
        else
          others[#others + 1] = name
        end
      end
    end
    if count > 0 then
      local kept = #notes - fresh * ${NOTE_CHARACTERS}
      redis.call('HSET', key, me,
        string.sub(notes, 1, kept) .. table.concat(taken) .. string.sub(notes, kept + count * ${NOTE_CHARACTERS} + 1))
    end
    answers[#answers + 1] = { i, table.concat(taken), table.concat(others) }
  end
end
return answers`;

/** KEYS: the hashes. ARGV: the instance; then for every key the notes of what it is still serving. */
export const SETTLE = `
for i, key in ipairs(KEYS) do
  local notes = ARGV[i + 1]
  if notes == '' then redis.call('HDEL', key, ARGV[1])
  elseif redis.call('EXISTS', key) == 1 then redis.call('HSET', key, ARGV[1], notes) end
end`;

/**
 * KEYS: the hash, how many attempts of the tenant broke within a life, how many of all tenants. ARGV: the seed, `D` or
 * `-`, the life in ms, the most of a tenant, the most in all, and `1` when it changes only what is there.
 */
export const BREAK = `
local seed, life = ARGV[1], ARGV[3]
if ARGV[6] == '1' then
  if redis.call('HEXISTS', KEYS[1], seed) == 0 then return end
else
  for i = 2, 3 do
    if tonumber(redis.call('GET', KEYS[i]) or 0) >= tonumber(ARGV[i + 2]) then return end
  end
  for i = 2, 3 do
    if redis.call('INCR', KEYS[i]) == 1 then redis.call('PEXPIRE', KEYS[i], life) end
  end
end
${NOW}
redis.call('HSET', KEYS[1], seed, ARGV[2] .. now)
redis.call('PEXPIRE', KEYS[1], life)`;
