import { join } from 'node:path';

/** Where drizzle-kit writes the migrations, in src as in dist. */
export const MIGRATIONS_FOLDER = join(__dirname, 'migrations');
