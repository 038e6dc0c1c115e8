import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { QuickstartFile, shellQuoted } from './quickstart.file.js';

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

  it.each([`http://u:it's@h/?a=1`, 'http://u:$p`w"@h', 'http://h/?a=1&b=#c'])(
    'should mean the same to shells and to Node: %p',
    (url) => {
      const file = new QuickstartFile(join(folder, 'quickstart.env'));
      file.write({ CLICKHOUSE_URL: url });
      const inShell = execFileSync('sh', ['-c', '. "$0"; printf %s "$CLICKHOUSE_URL"', file.path], {
        encoding: 'utf8',
      });
      expect(inShell).toBe(url.replaceAll("'", '%27'));
      expect(file.read()['CLICKHOUSE_URL']).toBe(inShell);
    },
  );

  it.each(['a b', '$HOME', "it's", '"x"', '`id`', 'a;b', '~', '*', '\\', 'plain/path.env', 'ä\tb\nc'])(
    'should quote %p for a shell',
    (text) => {
      expect(execFileSync('sh', ['-c', `printf %s ${shellQuoted(text)}`], { encoding: 'utf8' })).toBe(text);
    },
  );

  it('should remove what has no value any more', () => {
    const file = new QuickstartFile(join(folder, 'quickstart.env'));
    file.write({ SEGOPS_URL: 'http://h:1', REDIS_URL: 'redis://h:2' });
    file.write({ SEGOPS_URL: 'http://h:1', REDIS_URL: undefined });
    expect(file.read()).toEqual({ SEGOPS_URL: 'http://h:1' });
  });
});
