import type { IStatefulSet } from 'kubernetes-models/apps/v1';
import { runCli } from '../../src/cli/run-cli.js';
import { loadConfiguration } from '../../src/config/load-configuration.js';
import { HealthController } from '../../src/health/health.controller.js';
import { routesOfController } from '../support/controller.routes.js';
import { environmentOf } from './container.environment.js';
import { describeRendered } from './describe.rendered.js';
import { KNOWN_VARIABLES } from './known.variables.js';
import { bytesOf } from './quantity.js';
import { selects } from './selects.js';
import { workloadsOf } from './workload.js';

/** Keys and addresses that hold passwords. */
const SECRET = /_KEY$|_SECRET$|^(?:REDIS|CLICKHOUSE|DATABASE)_URL$/;

describe('The pods', () => {
  describeRendered((rendered, deployment) => {
    const workloads = () => workloadsOf(rendered());
    const containers = () =>
      workloads().flatMap(({ name, pod }) => pod.containers.map((container) => ({ workload: name, pod, container })));
    const servers = () => containers().filter(({ container }) => container.command === undefined);

    it('should be an API and workers, and jobs that end', () => {
      const kinds = workloads().map(({ kind, name }) => `${kind} ${name}`);
      expect(kinds).toEqual(expect.arrayContaining(['StatefulSet segops-api', 'Deployment segops-worker']));
      expect(kinds.slice(2).every((kind) => kind.startsWith('Job'))).toBe(true);
    });

    it('should be given settings that the service knows, and no others', () => {
      const names = containers().flatMap(({ container }) => Object.keys(environmentOf(container, rendered())));
      expect(names).toContain('SHUTDOWN_TIMEOUT_MS');
      expect(names.filter((name) => !KNOWN_VARIABLES.has(name))).toEqual([]);
    });

    it('should be given settings that the service starts with', () => {
      for (const { workload, container } of servers()) {
        // What only an overlay can know.
        const choices = deployment.startsWith('base') ? { PUBSUB_PROJECT: 'of-an-overlay' } : {};
        const { role, metricsPort } = loadConfiguration({ ...choices, ...environmentOf(container, rendered()) });
        expect(`segops-${role}`).toBe(workload);
        expect(metricsPort).toBeGreaterThan(0);
      }
    });

    it('should have no secret but by reference', () => {
      expect(rendered().filter(({ kind }) => kind === 'Secret')).toEqual([]);
      const settings = rendered().filter(({ kind }) => kind === 'ConfigMap') as unknown as { data: object }[];
      const plain = containers().flatMap(({ container }) =>
        (container.env ?? []).filter(({ valueFrom }) => valueFrom === undefined).map(({ name }) => name),
      );
      const written = [...plain, ...settings.flatMap(({ data }) => Object.keys(data))];
      expect(written.filter((name) => SECRET.test(name))).toEqual([]);
      const referred = containers().flatMap(({ container }) => container.env ?? []);
      for (const { name, valueFrom } of referred.filter(({ name }) => SECRET.test(name))) {
        expect(valueFrom?.secretKeyRef).toEqual({ name: 'segops-secrets', key: name });
      }
    });

    it('should keep the key to stored secrets from the workers, which have no use for it', () => {
      const worker = servers().find(({ workload }) => workload === 'segops-worker')!;
      expect(Object.keys(environmentOf(worker.container, rendered()))).not.toContain('ENCRYPTION_KEY');
    });

    it('should have no right that they do not need', () => {
      for (const { pod, container } of containers()) {
        expect(pod.securityContext).toMatchObject({
          runAsNonRoot: true,
          runAsUser: 1000,
          fsGroup: 1000,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(pod.automountServiceAccountToken).toBe(false);
        expect(pod.hostNetwork ?? pod.hostPID ?? pod.hostIPC).toBeUndefined();
        const writable = container.volumeMounts?.map(({ mountPath }) => mountPath);
        expect(writable).toEqual([environmentOf(container, rendered())['DATA_DIR'], '/tmp']);
        expect(container.resources).toMatchObject({
          requests: { cpu: expect.any(String), memory: expect.any(String) },
          limits: { memory: expect.any(String) },
        });
      }
    });

    it('should be mounted volumes that they have', () => {
      for (const { workload, pod, container } of containers()) {
        const { spec } =
          rendered().find(({ metadata, kind }) => metadata.name === workload && kind === 'StatefulSet') ?? {};
        const claims = (spec as IStatefulSet['spec'] | undefined)?.volumeClaimTemplates ?? [];
        const volumes = [
          ...(pod.volumes ?? []).map(({ name }) => name),
          ...claims.map(({ metadata }) => metadata?.name),
        ];
        expect(container.volumeMounts?.map(({ name }) => name).sort()).toEqual(volumes.sort());
      }
    });

    it('should be probed on routes and ports that they serve', () => {
      const routes = routesOfController(HealthController);
      for (const { container } of servers()) {
        const { startupProbe, livenessProbe, readinessProbe } = container;
        const paths = [startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet?.path);
        expect(paths).toEqual(['/livez', '/livez', '/readyz']);
        expect(routes).toEqual(expect.arrayContaining(paths.map((path) => `GET ${String(path)}`)));
        for (const probe of [startupProbe, livenessProbe, readinessProbe]) expect(probe?.httpGet?.port).toBe('http');
        const { port, metricsPort } = loadConfiguration({
          ...environmentOf(container, rendered()),
          TRANSPORT: 'bullmq',
        });
        expect(container.ports).toEqual([
          { name: 'http', containerPort: port },
          { name: 'metrics', containerPort: metricsPort },
        ]);
      }
    });

    it('should be noticed as unready before they stop serving, and killed after they have ended', () => {
      for (const { pod, container } of servers()) {
        const { role, shutdownGraceMs, shutdownTimeoutMs } = loadConfiguration({
          ...environmentOf(container, rendered()),
          TRANSPORT: 'bullmq',
        });
        expect((pod.terminationGracePeriodSeconds ?? 30) * 1000).toBeGreaterThanOrEqual(shutdownTimeoutMs + 5_000);
        const { periodSeconds = 10, failureThreshold = 3 } = container.readinessProbe ?? {};
        if (role === 'api') expect(periodSeconds * failureThreshold * 1000).toBeLessThan(shutdownGraceMs);
      }
    });

    it('should keep what the API has accepted, on a volume that has room for it and outlives the pod', () => {
      const api = rendered().find(({ kind }) => kind === 'StatefulSet')?.spec as NonNullable<IStatefulSet['spec']>;
      expect(api.persistentVolumeClaimRetentionPolicy).toEqual({ whenDeleted: 'Retain', whenScaled: 'Retain' });
      const [claim] = api.volumeClaimTemplates!;
      const { container } = servers().find(({ workload }) => workload === 'segops-api')!;
      const { spoolMaxBytes, spoolMinFreeBytes } = loadConfiguration({
        ...environmentOf(container, rendered()),
        TRANSPORT: 'bullmq',
      });
      // LMDB needs somewhat more than what is in it.
      const needed = spoolMaxBytes * 1.25 + spoolMinFreeBytes;
      expect(bytesOf(claim?.spec?.resources?.requests?.['storage'])).toBeGreaterThan(needed);
      const mount = container.volumeMounts?.find(({ name }) => name === claim?.metadata?.name);
      expect(mount?.mountPath).toBe('/data');
    });

    it('should be spread over zones and nodes', () => {
      for (const { kind, labels, pod } of workloads().filter(({ kind }) => kind !== 'Job')) {
        const constraints = pod.topologySpreadConstraints ?? [];
        expect([kind, ...constraints.map(({ topologyKey }) => topologyKey)]).toEqual([
          kind,
          'topology.kubernetes.io/zone',
          'kubernetes.io/hostname',
        ]);
        for (const { labelSelector } of constraints) expect(selects(labelSelector!, labels)).toBe(true);
      }
    });

    it('should run commands that there are', async () => {
      for (const { container } of containers()) {
        const [node, program, ...words] = container.command ?? ['node', 'dist/cli.js'];
        expect([node, program]).toEqual(['node', 'dist/cli.js']);
        let out = '';
        const say = (text: string): void => void (out += text);
        expect(await runCli([...words, '--help'], { in: () => Promise.resolve(''), out: say, err: say })).toBe(0);
        expect(out).toContain(`Usage: ${['segops', ...words].join(' ')} `);
      }
    });
  });
});
