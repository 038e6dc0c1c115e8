import type { Figure } from './figure.js';
import { batchAccept } from './figures/batch-accept.figure.js';
import { costOfRetries } from './figures/cost-of-retries.figure.js';
import { endToEnd } from './figures/end-to-end.figure.js';
import { freshness } from './figures/freshness.figure.js';
import { growthOfAccept } from './figures/growth-of-accept.figure.js';
import { growthOfEndToEnd } from './figures/growth-of-end-to-end.figure.js';
import { growthOfStats } from './figures/growth-of-stats.figure.js';
import { responseTimes } from './figures/response-times.figure.js';
import { segmentConditions } from './figures/segment-conditions.figure.js';
import { singleAccept } from './figures/single-accept.figure.js';
import { soak } from './figures/soak.figure.js';
import { start } from './figures/start.figure.js';
import { warehouse } from './figures/warehouse.figure.js';

/** In the order in which they are measured and printed. */
export const FIGURES: readonly Figure[] = [
  batchAccept(500),
  batchAccept(20),
  singleAccept,
  endToEnd,
  freshness(500, 'default'),
  freshness(20, 'full'),
  soak,
  start,
  responseTimes,
  segmentConditions,
  costOfRetries,
  growthOfAccept,
  growthOfEndToEnd,
  growthOfStats,
  warehouse,
];
