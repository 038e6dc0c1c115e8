/** What is recorded of a migration. */
export const SCHEMA_MIGRATIONS_COLUMNS = `(
            version UInt32,
            name String,
            checksum String,
            applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
        )`;
