import { describeError, OperatorError } from './operator.error.js';

class QueryError extends Error {
  override readonly name = 'QueryError';
}

describe('describeError', () => {
  it('should tell the message and the stack of errors of our own code', () => {
    expect(describeError(new TypeError('x is not a function'))).toMatch(
      /^TypeError: x is not a function\n\s+at .*operator\.error\.spec/,
    );
  });

  it('should tell operators what they can mend, as of a secret whose encryption key is gone', () => {
    expect(describeError(new OperatorError('Add that key to ENCRYPTION_KEY.'))).toMatch(
      /^Error: Add that key to ENCRYPTION_KEY\.\n/,
    );
  });

  it('should tell kind, code and stack of others, but not their message, which may quote data', () => {
    const error = Object.assign(new QueryError('insert into users values (secret)\nsecret too'), { code: '23505' });
    const text = describeError(error);
    expect(text).toMatch(/^QueryError \(23505\)\n\s+at /);
    expect(text).not.toContain('secret');
  });

  it('should not quote the body that JSON.parse could not read', () => {
    let text = '';
    try {
      JSON.parse('{"password": secret}');
    } catch (error) {
      text = describeError(error);
    }
    expect(text).toMatch(/^SyntaxError\n/);
    expect(text).not.toContain('secret');
  });

  it('should tell causes in the same way', () => {
    const text = describeError(new Error('not stored', { cause: new QueryError('secret') }));
    expect(text).toMatch(/Error: not stored\n[\s\S]*\ncaused by QueryError\n/);
    expect(text).not.toContain('secret');
  });

  it('should tell what was thrown that is no error', () => {
    expect(describeError('secret')).toBe('thrown: string');
  });
});
