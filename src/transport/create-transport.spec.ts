import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SERVICE = join(__dirname, '../bootstrap.ts');
const HOOK = join(__dirname, '../../test/jest/typescript.cjs');
const LOADED = `require(process.argv[1]); console.log(Object.keys(require.cache).filter((file) => /@google-cloud|@grpc|pglite/.test(file)).length)`;

describe('createTransport', () => {
  it('should leave it to those who use Pub/Sub to load its libraries', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--require', HOOK, '-e', LOADED, SERVICE]);
    expect(stdout.trim()).toBe('0');
  });
});
