import type { IPodSpec } from 'kubernetes-models/v1';
import type { Manifest } from './manifest.js';

/** A document that makes pods. */
export interface Workload {
  readonly name: string;
  readonly kind: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly pod: IPodSpec;
}

interface PodTemplate {
  readonly metadata: { readonly labels: Record<string, string> };
  readonly spec: IPodSpec;
}

/** All that make pods among the documents. */
export function workloadsOf(manifests: readonly Manifest[]): Workload[] {
  return manifests.flatMap(({ kind, metadata, spec }) => {
    const { template } = (spec ?? {}) as { template?: PodTemplate };
    return template === undefined
      ? []
      : [{ name: metadata.name, kind, labels: template.metadata.labels, pod: template.spec }];
  });
}
