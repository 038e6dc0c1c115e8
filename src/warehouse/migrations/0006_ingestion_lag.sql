-- How long events were on their way, as workers saw it when ClickHouse had committed them: docs/warehouse.md
CREATE TABLE IF NOT EXISTS ingestion_lag
(
    at DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1)),
    lag_ms UInt64 CODEC(ZSTD(1)),
    events UInt64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY at
TTL at + INTERVAL 1 DAY;
