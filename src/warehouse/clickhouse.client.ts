import { ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';

/** Sockets beyond the workers' own: queries, health checks, migrations. */
const SPARE_CONNECTIONS = 16;
/** An insert or a query that takes longer is given up; nothing that the service asks takes a tenth of it. */
const REQUEST_TIMEOUT_MS = 30_000;
/** ClickHouse closes idle connections after 10 s (30 s in newer versions). Closing first avoids writing into a closed one. */
const IDLE_SOCKET_TTL_MS = 8_000;

/**
 * A client for the ClickHouse at `url` (`http(s)://user:password@host:port/database`).
 * The class `ClickHouseClient` is its injection token.
 * @param concurrency how many requests are made at once at most, besides a few spare ones
 */
export function createClickHouseClient(url: string, concurrency: number): ClickHouseClient {
  return createClient({
    url,
    application: 'segops-ingestion',
    request_timeout: REQUEST_TIMEOUT_MS,
    max_open_connections: concurrency + SPARE_CONNECTIONS,
    keep_alive: { enabled: true, idle_socket_ttl: IDLE_SOCKET_TTL_MS },
    // Errors are thrown and reported by whoever asked. The client's own log would print SQL and rows.
    log: { level: ClickHouseLogLevel.OFF },
  });
}
