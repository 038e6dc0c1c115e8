import { resolve } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import { ControlPlaneDatabase, type Listen, MIGRATIONS_FOLDER } from './control-plane.database.js';
import { FolderLock, unwritable } from '../common/folder-lock.js';

const IN_USE =
  'The embedded control plane is for one process: stop the service first, or set DATABASE_URL to a PostgreSQL, which ' +
  'the service and commands can use together.';

/**
 * PostgreSQL within this process, on `folder`. The lock is there because two processes would corrupt it.
 * @throws OperatorError when another process has it open, or the disk cannot be written
 */
export async function openEmbedded(folder: string): Promise<ControlPlaneDatabase> {
  let lock: FolderLock | undefined;
  try {
    lock = FolderLock.take(folder, IN_USE);
    const client = await PGlite.create(folder);
    const db = drizzle(client);
    await migrate(db, { migrationsFolder: MIGRATIONS_FOLDER });
    const listen: Listen = async (channel, listener) => {
      await client.listen(channel, (message) => listener.onMessage(message));
      listener.onListening();
    };
    return new ControlPlaneDatabase(`embedded PostgreSQL in ${resolve(folder)}`, db, listen, async () => {
      await client.close();
      lock?.release();
    });
  } catch (error) {
    lock?.release();
    throw unwritable(folder, error, 'Set DATA_DIR to a folder that this process can write, or DATABASE_URL.');
  }
}
