/** Whose request it is, as far as its events are concerned. */
export interface Sender {
  readonly tenantId: string;
  readonly requestId: string;
  /** The route. */
  readonly source: 'track' | 'batch';
  /** The only `user_id` a session may send events of; undefined for servers, which may send anybody's. */
  readonly uid: string | undefined;
}
