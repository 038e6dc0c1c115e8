import { Injectable } from '@nestjs/common';
import { type Limiter, LimiterMetrics } from '../metrics/api.metrics.js';
import { ControlPlaneUnavailableError } from '../tenants/control-plane.database.js';
import type { Plan } from '../tenants/tenant.js';
import { Tenants } from '../tenants/tenants.service.js';
import { type Limits, limitsOf } from './plan-limits.js';

/** A tenant's limits, and the plan to name when it meets one. */
export interface TenantPlan extends Limits {
  readonly plan: Plan;
}

/** The limits of tenants as they are now, from memory where they can be. */
@Injectable()
export class TenantLimits {
  constructor(
    private readonly tenants: Tenants,
    private readonly metrics: LimiterMetrics,
  ) {}

  /**
   * Undefined when there is no such tenant, or the control plane cannot tell: then traffic passes, and the metrics say so.
   * @param limiter who asks
   */
  async of(tenantId: string, limiter: Limiter): Promise<TenantPlan | undefined> {
    try {
      const tenant = await this.tenants.findCached(tenantId);
      return tenant === undefined ? undefined : { plan: tenant.plan, ...limitsOf(tenant) };
    } catch (error) {
      if (!(error instanceof ControlPlaneUnavailableError)) throw error;
      this.metrics.failed(limiter);
      return undefined;
    }
  }
}
