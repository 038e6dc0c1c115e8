-- Why each key, codec and setting is what it is: docs/warehouse.md
CREATE TABLE IF NOT EXISTS events
(
    tenant_id LowCardinality(String),
    event_type LowCardinality(String),
    user_id String CODEC(ZSTD(1)),
    id UUID CODEC(NONE),
    occurred_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    received_at DateTime64(6, 'UTC') CODEC(T64, ZSTD(1)),
    anonymous_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    payload String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (tenant_id, event_type, user_id, id)
SETTINGS non_replicated_deduplication_window = 100000, fsync_after_insert = 1, fsync_part_directory = 1;
