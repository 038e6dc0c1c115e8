import type { TransportName } from '../options.js';

/** Transports with which there cannot be a second process that takes events. */
export const SINGLE_PROCESS_TRANSPORTS: ReadonlySet<TransportName> = new Set(['spool']);
