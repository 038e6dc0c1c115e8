import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

// Children inherit the environment, whoever started them and whoever is their parent now. Redis overwrites its own to set its
// title, but works in its data folder, which is in here.
const FOLDER = mkdtempSync(join(tmpdir(), 'segops-run-'));
// PostgreSQL refuses to run as root, so in a test run by root it is another user that needs to reach its folder in here.
chmodSync(FOLDER, 0o711);
const MARK = `TMPDIR=${FOLDER}`;
const GRACE_MS = 5000;

/** The environment for everything whose end is to be checked: temporary files go to a folder of this run. */
export function markedEnvironment() {
  return { ...process.env, TMPDIR: FOLDER };
}

/** Ends what still runs in the marked environment, returns a line about each, and removes its files. Sees them on Linux only. */
export async function endLeftovers() {
  for (const deadline = Date.now() + GRACE_MS; marked().length > 0 && Date.now() < deadline;) await sleep(50);
  const lines = marked().map((pid) => {
    const line = `${pid} ${read(pid, 'cmdline').replaceAll('\0', ' ')}`;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
    return line;
  });
  rmSync(FOLDER, { recursive: true, force: true, maxRetries: 5 });
  return lines;
}

function marked() {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc').filter(
    (pid) => /^\d+$/.test(pid) && (read(pid, 'environ').split('\0').includes(MARK) || folderOf(pid).startsWith(FOLDER)),
  );
}

function read(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It is gone, or another user's.
    return '';
  }
}

function folderOf(pid) {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}
