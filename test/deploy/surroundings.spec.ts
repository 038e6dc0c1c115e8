import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import type { IService } from 'kubernetes-models/v1';
import type { IScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import type { IPodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor';
import { Configuration } from '../../src/config/configuration.js';
import { describeRendered } from './describe.rendered.js';
import type { Manifest } from './manifest.js';
import { render } from './render.js';
import { KUBECTL } from '../support/kubectl.js';
import { type LabelSelector, selects } from './selects.js';
import { workloadsOf } from './workload.js';

const ROOT = join(__dirname, '../..');
/** What KEDA's triggers read, by its documentation; it ignores everything else. */
const TRIGGER_FIELDS: Readonly<Record<string, readonly string[]>> = {
  prometheus: ['serverAddress', 'query', 'threshold', 'activationThreshold', 'ignoreNullValues', 'namespace'],
  'gcp-pubsub': ['subscriptionName', 'mode', 'value', 'activationValue', 'aggregation', 'timeHorizon', 'valueIfNull'],
};

describe('What stands around the pods', () => {
  const metricNames = new Set(
    readdirSync(join(ROOT, 'src/metrics')).flatMap(
      (file) => readFileSync(join(ROOT, 'src/metrics', file), 'utf8').match(/\bsegops_\w+/g) ?? [],
    ),
  );
  const unknownMetrics = (text: string): string[] =>
    (text.match(/\bsegops_\w+/g) ?? []).filter(
      (name) => !metricNames.has(name) && !metricNames.has(name.replace(/_(?:bucket|count|sum)$/, '')),
    );

  describeRendered((rendered) => {
    const specs = <T extends { spec?: unknown }>(kind: string) =>
      rendered()
        .filter((manifest) => manifest.kind === kind)
        .map(({ spec }) => spec as NonNullable<T['spec']>);
    const selected = (selector: LabelSelector) =>
      workloadsOf(rendered())
        .filter(({ labels }) => selects(selector, labels))
        .map(({ name }) => name);
    const targetOf = ({ kind = 'Deployment', name }: { kind?: string; name: string }): Manifest | undefined =>
      rendered().find((manifest) => manifest.kind === kind && manifest.metadata.name === name);

    it('should select, by their own labels, the pods that a workload makes and no others', () => {
      for (const kind of ['StatefulSet', 'Deployment']) {
        const [manifest] = rendered().filter((candidate) => candidate.kind === kind);
        const { selector } = manifest?.spec as { selector: LabelSelector };
        expect(selected(selector)).toEqual([manifest?.metadata.name]);
      }
    });

    it('should lead requests to the API only, on ports that it has', () => {
      const services = specs<IService>('Service');
      expect(services.length).toBe(2);
      for (const { selector, ports } of services) {
        expect(selected({ matchLabels: selector! })).toEqual(['segops-api']);
        expect(ports?.map(({ targetPort }) => targetPort)).toEqual(['http']);
      }
      const [api] = specs<{ spec: { serviceName: string } }>('StatefulSet');
      expect(targetOf({ kind: 'Service', name: api?.serviceName ?? '' })).toBeDefined();
    });

    it('should take one pod of each at a time from a drained node', () => {
      const budgets = specs<{ spec: { selector: LabelSelector; maxUnavailable: number } }>('PodDisruptionBudget');
      expect(budgets.flatMap(({ selector }) => selected(selector)).sort()).toEqual(['segops-api', 'segops-worker']);
      for (const { maxUnavailable } of budgets) expect(maxUnavailable).toBe(1);
    });

    it('should scale workloads that there are, each by one hand, which no apply takes the number from', () => {
      const autoscalers = specs<IHorizontalPodAutoscaler>('HorizontalPodAutoscaler');
      const scaled = specs<IScaledObject>('ScaledObject');
      const targets = [...autoscalers, ...scaled].map(({ scaleTargetRef }) => targetOf(scaleTargetRef));
      expect(targets).not.toContain(undefined);
      expect(new Set(targets).size).toBe(targets.length);
      for (const target of targets) expect(target?.spec).not.toHaveProperty('replicas');
      for (const { minReplicas } of autoscalers) expect(minReplicas).toBeGreaterThanOrEqual(2);
      for (const { minReplicaCount, maxReplicaCount } of scaled) {
        expect(minReplicaCount).toBeGreaterThanOrEqual(2);
        expect(maxReplicaCount).toBeGreaterThan(minReplicaCount!);
      }
    });

    it('should scale workers by what the queue tells, and not by what they merely have in hand', () => {
      const { workerConcurrency } = new Configuration();
      for (const { type, metadata, metricType, authenticationRef } of specs<IScaledObject>('ScaledObject').flatMap(
        ({ triggers }) => triggers,
      )) {
        expect(Object.keys(metadata).filter((name) => !TRIGGER_FIELDS[type]?.includes(name))).toEqual([]);
        expect(metricType).toBe('AverageValue');
        expect(Number(metadata['threshold'] ?? metadata['value'])).toBeGreaterThan(workerConcurrency);
        if (authenticationRef) expect(targetOf({ kind: 'TriggerAuthentication', ...authenticationRef })).toBeDefined();
        if (type === 'prometheus') {
          expect(metadata['query']).toContain('segops_');
          expect(unknownMetrics(metadata['query'] ?? '')).toEqual([]);
          const [{ metadata: object } = { metadata: {} }] = rendered().filter(({ kind }) => kind === 'ScaledObject');
          const { namespace = 'segops' } = object as { namespace?: string };
          expect(metadata['query']).toBe(`max(segops_queue_batches{namespace="${namespace}"})`);
        } else {
          const settings = rendered().find(({ kind }) => kind === 'ConfigMap') as unknown as { data: object };
          expect(settings.data).toHaveProperty('PUBSUB_SUBSCRIPTION', metadata['subscriptionName']);
        }
      }
    });

    it('should let anybody ask the API, and only Prometheus for metrics', () => {
      const open = specs<INetworkPolicy>('NetworkPolicy').filter(({ ingress }) => ingress?.some(({ from }) => !from));
      expect(open.map(({ podSelector }) => selected(podSelector))).toEqual([['segops-api']]);
      expect(open.flatMap(({ ingress }) => ingress)).toEqual([{ ports: [{ port: 'http' }] }]);
      const guarded = specs<INetworkPolicy>('NetworkPolicy').filter((policy) => !open.includes(policy));
      expect(guarded.flatMap(({ podSelector }) => selected(podSelector))).toEqual(
        workloadsOf(rendered()).map(({ name }) => name),
      );
      expect(guarded.flatMap(({ ingress }) => ingress?.map(({ ports }) => ports))).toEqual([[{ port: 'metrics' }]]);
    });

    it('should have Prometheus read the metrics of every server', () => {
      for (const { selector, podMetricsEndpoints } of specs<IPodMonitor>('PodMonitor')) {
        expect(selected(selector as LabelSelector).sort()).toEqual(['segops-api', 'segops-worker']);
        expect(podMetricsEndpoints.map(({ port }) => port)).toEqual(['metrics']);
      }
    });

    it('should alert by the rules of docker/prometheus', () => {
      const rules = load(readFileSync(join(ROOT, 'docker/prometheus/alerts.yml'), 'utf8'));
      for (const spec of specs('PrometheusRule')) expect(spec).toEqual(rules);
    });
  });

  (KUBECTL === undefined ? it.skip : it)(
    'should scale workers by the queue of their own namespace, whichever that is',
    () => {
      const copy = mkdtempSync(join(tmpdir(), 'segops-k8s-'));
      try {
        cpSync(join(ROOT, 'docker/k8s'), copy, { recursive: true });
        const overlay = join(copy, 'overlays/production');
        const file = join(overlay, 'kustomization.yaml');
        writeFileSync(file, readFileSync(file, 'utf8').replace('namespace: segops', 'namespace: staging'));
        const scaled = render({ name: 'staging', resource: overlay, components: [] }).find(
          ({ kind }) => kind === 'ScaledObject',
        );
        expect((scaled?.spec as NonNullable<IScaledObject['spec']>).triggers[0]?.metadata['query']).toBe(
          'max(segops_queue_batches{namespace="staging"})',
        );
      } finally {
        rmSync(copy, { recursive: true });
      }
    },
  );

  it('should know the metrics of the service', () => {
    expect(unknownMetrics('max(segops_queue_batches) + sum(segops_insert_rows_bucket)')).toEqual([]);
    expect(unknownMetrics('max(segops_queue_batch)')).toEqual(['segops_queue_batch']);
  });
});
