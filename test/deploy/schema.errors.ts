import * as keda from '@kubernetes-models/keda/keda.sh/v1alpha1';
import * as monitoring from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import * as apps from 'kubernetes-models/apps/v1';
import * as autoscaling from 'kubernetes-models/autoscaling/v2';
import * as batch from 'kubernetes-models/batch/v1';
import * as networking from 'kubernetes-models/networking.k8s.io/v1';
import * as policy from 'kubernetes-models/policy/v1';
import * as core from 'kubernetes-models/v1';
import type { Manifest } from './manifest.js';

type Models = Readonly<Record<string, unknown>>;
type Model = new (data: unknown) => { validate(): void };

// The APIs in use. 4.x of these packages is the last that runs on Node 20.
const MODELS: Readonly<Record<string, Models>> = {
  v1: core,
  'apps/v1': apps,
  'autoscaling/v2': autoscaling,
  'batch/v1': batch,
  'keda.sh/v1alpha1': keda,
  'monitoring.coreos.com/v1': monitoring,
  'networking.k8s.io/v1': networking,
  'policy/v1': policy,
};

/** What the JSON schema of its kind has against a document. Unknown fields are not among it: see `type.errors.ts`. */
export function schemaErrors(manifest: Manifest): string[] {
  const { apiVersion, kind, metadata } = manifest;
  const model = MODELS[apiVersion]?.[kind] as Model | undefined;
  if (model === undefined) return [`There is no ${kind} in ${apiVersion}.`];
  try {
    new model(manifest).validate();
    return [];
  } catch (error) {
    return [`${kind} ${metadata.name}: ${String(error)}`];
  }
}
