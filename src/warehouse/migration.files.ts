import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Migration {
  /** The number that the file's name starts with. */
  readonly version: number;
  /** The file's name without its ending, e.g. `0001_events`. */
  readonly name: string;
  /** SHA-256 of the file in hex. */
  readonly checksum: string;
  readonly statements: readonly string[];
}

const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

/**
 * Reads the migrations of a folder, in order. A statement ends with a `;` at the end of a line.
 * @throws Error when a file is not named `0001_what_it_does.sql`, or the numbers do not run 1, 2, 3, …
 */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(files.map((file, index) => readMigration(folder, file, index + 1)));
}

async function readMigration(folder: string, file: string, expectedVersion: number): Promise<Migration> {
  const version = Number(FILE_NAME.exec(file)?.[1]);
  if (version !== expectedVersion) {
    const number = String(expectedVersion).padStart(4, '0');
    throw new Error(`Rename the migration ${file}: after its predecessor comes ${number}_<what_it_does>.sql.`);
  }
  // A checkout on Windows must not look like an edit.
  const sql = (await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n');
  return {
    version,
    name: file.slice(0, -'.sql'.length),
    checksum: createHash('sha256').update(sql).digest('hex'),
    statements: sql
      .split(/;[ \t]*$/m)
      .map((statement) => statement.trim())
      .filter((statement) => statement !== ''),
  };
}
