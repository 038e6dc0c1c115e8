import { mkdirSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import { ControlPlaneDatabase, type Listen } from './control-plane.database.js';
import { FolderLock } from '../common/folder-lock.js';
import { MIGRATIONS_FOLDER } from './migrations.folder.js';

/**
 * PostgreSQL within this process, on `folder`. Two processes on one folder would corrupt it, hence the lock.
 * @throws FolderLockedError when another process has it open.
 */
export async function openEmbedded(folder: string): Promise<ControlPlaneDatabase> {
  mkdirSync(folder, { recursive: true });
  const lock = FolderLock.take(folder, 'Stop the service first, or set DATABASE_URL.');
  try {
    const client = await PGlite.create(folder);
    const db = drizzle(client);
    await migrate(db, { migrationsFolder: MIGRATIONS_FOLDER });
    const listen: Listen = async (channel, listener) => {
      await client.listen(channel, (message) => {
        listener.onMessage(message);
      });
      listener.onListening();
    };
    return new ControlPlaneDatabase(db, listen, async () => {
      await client.close();
      lock.release();
    });
  } catch (error) {
    lock.release();
    throw error;
  }
}
