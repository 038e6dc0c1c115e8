-- Whose rows are stored no more, if they were accepted before: docs/warehouse.md, "Erasure". The subjects are hashes.
-- Only ever added to: its count and its latest time tell whether a writer knows all of it.
CREATE TABLE IF NOT EXISTS erasures
(
    tenant_id LowCardinality(String),
    id UUID CODEC(NONE),
    accepted_before DateTime64(3, 'UTC'),
    subjects Array(String) CODEC(ZSTD(1)),
    at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY (at, id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
