import type { Part } from './part.js';

/** The service and its servers, as one transport needs them. */
export interface Deployment {
  /** Every process that is killed and paused, in the order in which they are first started. */
  readonly parts: readonly Part[];
  /** Where clients send events; they use the next one when one refuses the connection. */
  readonly apiUrls: readonly string[];
  /** Prometheus's text of each process that takes events. */
  readonly metricsUrls: readonly string[];
  readonly clickhouseUrl: string;
  /** Makes the tenant and its secret key. Called once, before the first start. */
  seedKey(): Promise<string>;
  /** Removes what is not a part. Called last. */
  remove(): Promise<void>;
}

export interface DeploymentOptions {
  /** A folder for all data, which its owner removes. */
  readonly folder: string;
  /** How many processes take events, where the transport allows more than one. */
  readonly apis: number;
  /** How many processes store events, where the transport allows more than one; one when it is left out. */
  readonly workers?: number;
  /** Whether the control plane is in PostgreSQL, as in production. By default it is where there are several APIs. */
  readonly postgres?: boolean;
  /** Settings of every process of the service, beside those that make the deployment. */
  readonly settings?: Readonly<Record<string, string>>;
}
