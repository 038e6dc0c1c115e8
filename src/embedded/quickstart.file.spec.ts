import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { QuickstartFile } from './quickstart.file.js';

describe('QuickstartFile', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'segops-env-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('should replace what it sets, keep every other line, and be readable by its owner alone', () => {
    const path = join(folder, 'quickstart.env');
    writeFileSync(path, '# mine\nOTHER=1\nSEGOPS_URL=old\n', { mode: 0o644 });
    const file = new QuickstartFile(path);
    file.write({ SEGOPS_URL: 'http://h:1', CLICKHOUSE_URL: 'http://h/?a=1&b=2' });

    expect(readFileSync(path, 'utf8')).toBe(
      "# mine\nOTHER=1\nSEGOPS_URL=http://h:1\nCLICKHOUSE_URL='http://h/?a=1&b=2'\n",
    );
    expect(file.read()).toMatchObject({ OTHER: '1', CLICKHOUSE_URL: 'http://h/?a=1&b=2' });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('should remove what has no value any more', () => {
    const file = new QuickstartFile(join(folder, 'quickstart.env'));
    file.write({ SEGOPS_URL: 'http://h:1', REDIS_URL: 'redis://h:2' });
    file.write({ SEGOPS_URL: 'http://h:1', REDIS_URL: undefined });
    expect(file.read()).toEqual({ SEGOPS_URL: 'http://h:1' });
  });
});
