-- 0 for a row that was the first of its id when it was stored, 1 for every other: docs/warehouse.md, "Exactly once".
-- The default is for rows of older versions, stored before or since: an id of UUID version 7 was made for a request, any other
-- derives from a caller's key. reinterpretAsUInt64 reads the half of the id that holds the version.
ALTER TABLE events ADD COLUMN IF NOT EXISTS
    may_have_copies UInt8 DEFAULT bitAnd(reinterpretAsUInt64(id), 0xF000) != 0x7000 CODEC(ZSTD(1));
