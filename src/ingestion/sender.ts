import type { Caller } from '../idempotency/idempotency.store.js';
import type { Spender } from '../plans/budgets.js';

/** Whose request it is, as far as its events are concerned. */
export interface Sender {
  readonly tenantId: string;
  /** Whose budgets its events are counted against. */
  readonly spender: Spender;
  /** Within whose bounds its request is remembered. */
  readonly caller: Caller;
  readonly requestId: string;
  /** The route. */
  readonly source: 'track' | 'batch';
  /** The only `user_id` a session may send events of; undefined for servers, which may send anybody's. */
  readonly uid: string | undefined;
}
