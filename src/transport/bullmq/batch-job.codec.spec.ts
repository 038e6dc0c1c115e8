import { randomBytes } from 'node:crypto';
import { decodeBatchJob, encodeBatchJob, encodeBatchJobJson } from './batch-job.codec.js';

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
      expect(decodeBatchJob('id', 'events.v1', JSON.parse(json))).toEqual(batch);
    },
  );
});
