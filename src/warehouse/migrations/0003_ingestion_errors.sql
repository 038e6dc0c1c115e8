-- What operators read about events that were not stored. Why each key and setting is what it is: docs/warehouse.md
CREATE TABLE IF NOT EXISTS ingestion_errors
(
    tenant_id LowCardinality(String),
    ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    id UUID CODEC(NONE),
    error_type LowCardinality(String),
    source LowCardinality(String),
    detail String CODEC(ZSTD(1)),
    event_type String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    request_id String CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toMonday(ts)
ORDER BY (tenant_id, ts, id)
TTL toDateTime(ts) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
