/** A request about tenants that cannot be met; its message tells the caller what to change. */
export class TenantError extends Error {
  override readonly name = 'TenantError';
}
