import { Injectable, Logger } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { ControlPlaneDatabase } from './control-plane.database.js';
import { apiKeys } from './schema.js';

const WRITE_EVERY_MS = 15_000;

/** Keeps the last use of keys in memory and writes it a few times a minute: no request waits for it. */
@Injectable()
export class ApiKeyUsage {
  private readonly logger = new Logger(ApiKeyUsage.name);
  private lastUsed = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly database: ControlPlaneDatabase) {}

  note(apiKeyId: string): void {
    this.lastUsed.set(apiKeyId, Date.now());
    this.timer ??= setTimeout(() => void this.write(), WRITE_EVERY_MS).unref();
  }

  /** The last use in this process that is not yet written. */
  of(apiKeyId: string): Date | undefined {
    const time = this.lastUsed.get(apiKeyId);
    return time === undefined ? undefined : new Date(time);
  }

  /** Writes now. Never throws. */
  async write(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const written = this.lastUsed;
    this.lastUsed = new Map();
    if (written.size === 0) return;
    const ids = [...written.keys()];
    const times = ids.map((id) => new Date(written.get(id) ?? 0).toISOString());
    try {
      // Several instances write for one key, in any order.
      await this.database.db.execute(sql`
        UPDATE ${apiKeys} SET last_used_at = greatest(last_used_at, used.at)
        FROM unnest(${sql.param(ids)}::uuid[], ${sql.param(times)}::timestamptz[]) AS used(id, at)
        WHERE api_keys.id = used.id`);
    } catch {
      // A key in use is noted again for the next write.
      this.logger.debug('The last use of keys was not written.');
    }
  }
}
