import { batchesInLegacyJob } from './legacy-jobs.js';

const rows = Buffer.from('rows of events');
const data = { events: 3, rows: rows.toString('base64') };
const batch = { id: 'job', type: 'events.v1', events: 3, rows, mayBeRepeated: true };
const batchesIn = (json: object, type = 'events.v1') =>
  batchesInLegacyJob('job', type, JSON.parse(JSON.stringify(json)));

describe('batchesInLegacyJob', () => {
  it.each([
    ['a batch', {}, 'job'],
    ['a batch that was replayed', { id: 'other' }, 'other'],
    ['one that was combined of several', { id: 'job', combines: [{ id: 'a', events: 3, bytes: 14 }] }, 'job'],
    ['one that was spooled', { again: true }, 'job'],
  ])('should find %s', (_, more, id) => {
    expect(batchesIn({ ...more, ...data })).toEqual([{ ...batch, id }]);
  });

  it('should find what was set apart, as events like all others', () => {
    expect(batchesIn(data, 'events.v1.apart')).toEqual([batch]);
  });

  it('should find nothing in a job whose rows went into another', () => {
    expect(batchesIn({ movedTo: 'another' })).toEqual([]);
  });

  it('should find every part of a batch that was split', () => {
    const parts = ['a', 'b'].map((id) => ({ id, type: 'events.v1.apart', ...data }));
    expect(batchesIn({ parts })).toEqual(['a', 'b'].map((id) => ({ ...batch, id })));
  });

  it.each([{}, { events: 3 }, { rows: 'x' }, { parts: [{ id: 'a', type: 'x', ...data }, { id: 'b' }] }])(
    'should not take %j for one',
    (json) => {
      expect(batchesIn(json)).toBeUndefined();
    },
  );
});
