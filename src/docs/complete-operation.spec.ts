import { completeOperation } from './complete-operation.js';

describe('completeOperation', () => {
  const described = { operationId: 'Track_track', summary: 'Send one event', responses: {} };

  it('should refuse a route that does not say what it does', () => {
    expect(() => completeOperation({ operationId: 'Track_track', responses: {} })).toThrow(
      'Track_track needs @ApiOperation({ summary })',
    );
  });

  it('should refuse a route that does not say what its path holds', () => {
    const parameters = [{ name: 'id', in: 'path' as const, schema: { type: 'string' } }];
    expect(() => completeOperation({ ...described, parameters })).toThrow(
      'Track_track needs @ApiParam({ description })',
    );
  });

  it('should refuse a route that does not say what it answers', () => {
    // What Nest makes of a route without @ApiOkResponse().
    expect(() => completeOperation({ ...described, responses: { 200: { description: '' } } })).toThrow(
      'Track_track needs @ApiOkResponse({ description })',
    );
  });

  it('should let a route word the errors of its kind itself', () => {
    const security = [{ SecretKey: [] }];
    const { responses } = completeOperation({
      ...described,
      security,
      responses: { 403: { description: 'Not yours.' } },
    });
    expect(responses).toMatchObject({
      401: { description: 'There is no valid credential.' },
      403: { description: 'Not yours.' },
    });
  });
});
