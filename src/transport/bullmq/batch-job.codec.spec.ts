import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  type BatchJobData,
  decodeBatchJob,
  encodeBatchJob,
  encodeBatchJobJson,
  parseJobData,
} from './batch-job.codec.js';

const KIB = 1024;

describe('a batch as the JSON of a job', () => {
  it.each([0, 1, 2, 3, 4, 24 * KIB - 1, 24 * KIB, 24 * KIB + 1, 48 * KIB + 2, 200 * KIB])(
    'should be what JSON.stringify makes of it, with %i bytes of rows',
    (bytes) => {
      // Not at the start of their memory, as a worker's often are.
      const rows = randomBytes(bytes + 3).subarray(3);
      const batch = { id: 'id', type: 'events.v1', events: 7, rows };
      const json = encodeBatchJobJson(batch, { again: true }).toString();
      expect(json).toBe(JSON.stringify({ again: true, ...encodeBatchJob(batch) }));
      expect(encodeBatchJobJson(batch).toString()).toBe(JSON.stringify(encodeBatchJob(batch)));
      expect(isDeepStrictEqual(decodeBatchJob('id', 'events.v1', JSON.parse(json)), batch)).toBe(true);
      const { rows: read, ...others } = parseJobData(Buffer.from(json)) as BatchJobData;
      expect(others).toEqual({ again: true, events: 7 });
      expect(rows.equals(read as Buffer)).toBe(true);
    },
  );

  it.each([
    { events: 1, rows: 'AAAA', id: 'the rows are not the last' },
    { parts: [{ id: 'a', type: 'b', events: 1, rows: 'AAAA' }] },
    { movedTo: 'another' },
    {},
    7,
    'rows',
    { x: ',"rows":"' },
  ])('should be read as JSON.parse reads it when it is %j', (data) => {
    expect(parseJobData(Buffer.from(JSON.stringify(data)))).toEqual(data);
  });
});
