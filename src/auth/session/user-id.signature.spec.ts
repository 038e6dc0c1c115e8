import { createHmac } from 'node:crypto';
import { problemOfSignature } from './user-id.signature.js';

const SECRET = '0f1e2d3c4b5a69788796a5b4c3d2e1f0'.repeat(2);
const NOW = Date.UTC(2026, 3, 25, 13) + 789;
const NOW_SECONDS = Math.floor(NOW / 1000);

const sign = (text: string, key: string | Buffer = Buffer.from(SECRET, 'hex')) =>
  createHmac('sha256', key).update(text).digest('hex');

function problemOf(changes: { userId?: string; signature?: string | undefined; timestamp?: string | undefined }) {
  const timestamp = String(NOW_SECONDS);
  return problemOfSignature({ userId: 'ann', signature: sign(`ann|${timestamp}`), timestamp, ...changes }, SECRET, NOW);
}

describe('problemOfSignature', () => {
  it('should find nothing wrong with the signature of the example in the documentation', () => {
    expect(problemOf({})).toBeUndefined();
  });

  it.each([
    ['a user id of other alphabets', 'Zoë|🛒'],
    ['a user id with the separator', `ann|${NOW_SECONDS}`],
  ])('should take %s', (_, userId) => {
    expect(problemOf({ userId, signature: sign(`${userId}|${NOW_SECONDS}`) })).toBeUndefined();
  });

  it.each([
    [-300, undefined],
    [300, undefined],
    [-301, 'too old'],
    [301, 'too new'],
    // Milliseconds in place of seconds.
    [NOW_SECONDS * 999, 'too new'],
  ])('should find a signature of %d s from now: %s', (offset, problem) => {
    const timestamp = String(NOW_SECONDS + offset);
    const found = problemOf({ timestamp, signature: sign(`ann|${timestamp}`) });
    expect(found).toEqual(problem === undefined ? undefined : expect.stringContaining(problem));
  });

  it.each([
    ['no signature', { signature: undefined }],
    ['no time', { timestamp: undefined }],
  ])('should find %s: missing', (_, changes) => {
    expect(problemOf(changes)).toContain('is missing');
  });

  const right = sign(`ann|${NOW_SECONDS}`);
  it.each([
    ['of another user', { userId: 'bob' }],
    ['of another time', { timestamp: String(NOW_SECONDS - 1) }],
    ['in upper case', { signature: right.toUpperCase() }],
    ['that is empty', { signature: '' }],
    ['cut short', { signature: right.slice(0, 62) }],
    ['with more after it', { signature: `${right}00` }],
    ['with a line break', { signature: `${right}\n` }],
    ['in base64', { signature: Buffer.from(right, 'hex').toString('base64') }],
    ['keyed with the text of the secret', { signature: sign(`ann|${NOW_SECONDS}`, SECRET) }],
    ['over the user id alone', { signature: sign('ann') }],
    ['over the parts in the other order', { signature: sign(`${NOW_SECONDS}|ann`) }],
  ])('should find a signature %s: wrong', (_, changes) => {
    expect(problemOf(changes)).toContain('is wrong');
  });
});
