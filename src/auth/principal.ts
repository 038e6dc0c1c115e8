/** Who a request comes from, once a guard has checked its credential. */
export interface Principal {
  /** The tenant whose events it may send and read. */
  readonly tenantId: string;
  readonly apiKeyId: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard; absent on routes without one. */
    principal?: Principal;
  }
}
