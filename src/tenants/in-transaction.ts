import { ControlPlaneUnavailableError } from './control-plane-unavailable.error.js';
import type { Database } from './control-plane.database.js';

/**
 * Runs `work` in a transaction, which is undone when it fails.
 * @throws ControlPlaneUnavailableError when there is no connection for it, which Drizzle reports of queries only
 */
export async function inTransaction<T>(db: Database, work: (transaction: Database) => Promise<T>): Promise<T> {
  const progress = { begun: false };
  try {
    return await db.transaction((transaction) => {
      progress.begun = true;
      return work(transaction);
    });
  } catch (error) {
    throw progress.begun ? error : new ControlPlaneUnavailableError(error);
  }
}
