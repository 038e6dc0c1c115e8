-- Which requests about personal data were carried out, and when: proof for an audit that outlives the data and holds none of it.
CREATE TABLE IF NOT EXISTS compliance_requests
(
    tenant_id LowCardinality(String),
    id UUID CODEC(NONE),
    topic LowCardinality(String),
    received_at DateTime64(3, 'UTC'),
    completed_at DateTime64(3, 'UTC'),
    events_removed UInt64,
    properties_removed UInt64,
    errors_removed UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant_id, id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
