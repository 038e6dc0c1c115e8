import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { waitUntil } from '../../test/support/wait-until.js';
import { FolderLock, FolderLockedError } from './folder-lock.js';

/** A pid namespace of its own, as each container has one: the process in it is number 1. */
const LIKE_A_CONTAINER = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
const canUnshare = spawnSync('unshare', [...LIKE_A_CONTAINER.slice(1), 'true']).status === 0;

describe('FolderLock', () => {
  let folder: string;
  let file: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(realpathSync(tmpdir()), 'segops-lock-'));
    file = `${folder}.lock`;
  });

  afterEach(async () => {
    for (const child of children.splice(0)) await kill(child);
    rmSync(folder, { recursive: true, force: true });
    rmSync(file, { force: true });
  });

  /** A process that has the folder; resolves when it has. It is killed at the end. */
  async function holder(...wrapper: string[]): Promise<ChildProcess> {
    const script = `
      require(${JSON.stringify(join(__dirname, '../../test/jest/typescript.cjs'))});
      const { FolderLock } = require(${JSON.stringify(join(__dirname, 'folder-lock.ts'))});
      FolderLock.take(${JSON.stringify(folder)}, '');
      console.log('taken');
      process.stdin.resume();`;
    const [command, ...args] = [...wrapper, process.execPath, '-e', script];
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    children.push(child);
    await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => Promise.reject(new Error('It ended before it had the folder.'))),
    ]);
    return child;
  }

  function isFree(): boolean {
    try {
      FolderLock.take(folder, 'Stop it.').release();
      return true;
    } catch (error) {
      if (error instanceof FolderLockedError) return false;
      throw error;
    }
  }

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  it('should make the folder, hold it until it is released, and leave nothing else behind', () => {
    const inner = join(folder, 'a', 'b');
    const lock = FolderLock.take(inner, 'Stop it.');
    expect(readdirSync(dirname(inner)).sort()).toEqual([basename(inner), `${basename(inner)}.lock`]);
    lock.release();
    lock.release();
    expect(readdirSync(dirname(inner))).toEqual([basename(inner)]);
  });

  it('should refuse a second holder in this process, and say who has it', () => {
    const lock = FolderLock.take(folder, 'Stop it.');
    expect(() => FolderLock.take(folder, 'Stop it.')).toThrow(FolderLockedError);
    expect(() => FolderLock.take(folder, 'Stop it.')).toThrow(
      `${folder} is in use by process ${process.pid} on ${hostname()}. Stop it.`,
    );
    lock.release();
    FolderLock.take(folder, 'Stop it.').release();
  });

  it('should refuse the folder of a live process and take over from one that was killed', async () => {
    const other = await holder();
    expect(() => FolderLock.take(folder, 'Stop it.')).toThrow(`${folder} is in use by process ${other.pid} on `);
    await kill(other);
    expect(existsSync(file)).toBe(true);
    FolderLock.take(folder, 'Stop it.').release();
  });

  (canUnshare ? it : it.skip)(
    'should refuse the folder of a live process in another container, where each is process 1',
    async () => {
      const other = await holder(...LIKE_A_CONTAINER);
      expect(() => FolderLock.take(folder, 'Stop it.')).toThrow(`${folder} is in use by process 1 on `);
      await expect(holder(...LIKE_A_CONTAINER)).rejects.toThrow('It ended before it had the folder.');
      // The process in it is killed a moment after what made its namespace.
      await kill(other);
      await waitUntil(isFree);
    },
  );

  it.each(['', 'not a number', '1', `${process.pid} ${hostname()}`])(
    'should take over from a process that ended and left a file that says %p',
    (content) => {
      writeFileSync(file, content);
      FolderLock.take(folder, 'Stop it.').release();
    },
  );

  it('should keep the folder to one of several that want it at the moment it is given free', () => {
    for (let round = 0; round < 50; round++) {
      const before = FolderLock.take(folder, 'Stop it.');
      before.release();
      const after = FolderLock.take(folder, 'Stop it.');
      before.release();
      expect(() => FolderLock.take(folder, 'Stop it.')).toThrow(FolderLockedError);
      after.release();
    }
  });
});
