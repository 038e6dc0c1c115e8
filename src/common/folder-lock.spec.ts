import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { FolderLock } from './folder-lock.js';
import { FolderLockedError } from './folder-locked.error.js';

describe('FolderLock', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'segops-lock-'));
    file = `${folder}.lock`;
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
    rmSync(file, { force: true });
  });

  it('should hold the process id until it is released, and leave nothing else behind', () => {
    const lock = FolderLock.take(folder, 'Stop it.');
    const files = readdirSync(dirname(folder)).filter((name) => name.startsWith(basename(folder)));
    expect(files.sort()).toEqual([basename(folder), basename(file)]);
    expect(readFileSync(file, 'utf8')).toBe(String(process.pid));
    lock.release();
    lock.release();
    expect(existsSync(file)).toBe(false);
  });

  it('should refuse a second holder in this process', () => {
    const lock = FolderLock.take(folder, 'Stop it.');
    expect(() => FolderLock.take(folder, 'Stop it.')).toThrow(FolderLockedError);
    lock.release();
    FolderLock.take(folder, 'Stop it.').release();
  });

  it('should refuse the folder of a live process and take over from a dead one', async () => {
    const other = spawn(process.execPath, ['-e', 'process.stdin.resume()']);
    writeFileSync(file, String(other.pid));
    try {
      expect(() => FolderLock.take(folder, 'Stop it.')).toThrow(
        `${folder} is in use by process ${other.pid}. Stop it.`,
      );
    } finally {
      other.stdin.end();
      await once(other, 'exit');
    }
    FolderLock.take(folder, 'Stop it.').release();
  });

  it('should take over from an earlier process that had the same id, as process 1 of a container has', () => {
    writeFileSync(file, String(process.pid));
    FolderLock.take(folder, 'Stop it.').release();
  });

  it.each(['', 'not a number', '0', '-1'])('should take over a lock that says %p', (content) => {
    writeFileSync(file, content);
    FolderLock.take(folder, 'Stop it.').release();
  });
});
