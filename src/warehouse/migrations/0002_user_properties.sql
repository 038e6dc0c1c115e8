-- The payload of a user's latest context_identified event. A row counts by occurred_at first, by received_at then: both are
-- in its version, neither can lie before 1970.
CREATE TABLE IF NOT EXISTS user_properties
(
    tenant_id LowCardinality(String),
    user_id String CODEC(ZSTD(1)),
    properties String CODEC(ZSTD(1)),
    occurred_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    received_at DateTime64(6, 'UTC') CODEC(T64, ZSTD(1)),
    version UInt128 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, user_id)
SETTINGS non_replicated_deduplication_window = 100000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS user_properties_from_events TO user_properties AS
SELECT
    tenant_id,
    user_id,
    payload AS properties,
    occurred_at,
    received_at,
    bitShiftLeft(toUInt128(toUnixTimestamp64Milli(occurred_at)), 64) + toUnixTimestamp64Micro(received_at) AS version
FROM events
WHERE event_type = 'context_identified';
