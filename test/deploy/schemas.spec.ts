import { describeRendered } from './describe.rendered.js';
import { schemaErrors } from './schema.errors.js';
import { typeErrors } from './type.errors.js';

describe('The manifests', () => {
  describeRendered((rendered) => {
    it('should be what the schemas of their kinds allow', () => {
      expect(rendered().flatMap(schemaErrors)).toEqual([]);
    });

    it('should have no field that its kind does not have', () => {
      expect(typeErrors(rendered())).toEqual([]);
    });

    it('should have each document once', () => {
      const names = rendered().map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      expect(names).toEqual([...new Set(names)]);
    });
  });

  it('should be refused with a field of a wrong type, or one that does not exist', () => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'wrong' } };
    const wrongType = { ...service, spec: { ports: [{ port: 'http' }] } };
    expect(schemaErrors(wrongType)).toEqual([expect.stringContaining('/ports/0/port must be integer')]);
    const misspelt = { ...service, spec: { ports: [{ port: 80, targetPrt: 'http' }] } };
    expect(typeErrors([misspelt])).toEqual([expect.stringContaining('targetPrt')]);
    expect(schemaErrors({ ...service, kind: 'Servce' })).toEqual(['There is no Servce in v1.']);
  });
});
