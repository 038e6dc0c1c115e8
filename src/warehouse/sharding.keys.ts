/**
 * Which shard a row goes to, for each table that is divided among them. Rows that replace each other must meet in one shard,
 * and so must all that is kept of a user: then each shard answers a question about users, and removes them, by itself. A batch
 * that is inserted again goes the same ways, where its token is known. Only `ingestion_lag` is never inserted twice.
 */
export const SHARDING_KEYS = {
  events: 'sipHash64(tenant_id, user_id)',
  user_properties: 'sipHash64(tenant_id, user_id)',
  ingestion_errors: 'sipHash64(tenant_id, user_id)',
  compliance_requests: 'sipHash64(tenant_id, id)',
  erasures: 'sipHash64(tenant_id, id)',
  ingestion_lag: 'rand()',
} as const;
