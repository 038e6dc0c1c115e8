import { Injectable } from '@nestjs/common';
import { type Limiter, LimiterMetrics } from '../metrics/api.metrics.js';
import { ControlPlaneUnavailableError } from '../tenants/control-plane.database.js';
import type { Plan } from '../tenants/tenant.js';
import { Tenants } from '../tenants/tenants.service.js';
import { type Limits, limitsOf } from './plan-limits.js';

/** A tenant's limits, and its plan for messages. */
interface TenantPlan extends Limits {
  readonly plan: Plan;
}

/** The current limits of tenants, from memory where possible. */
@Injectable()
export class TenantLimits {
  constructor(
    private readonly tenants: Tenants,
    private readonly metrics: LimiterMetrics,
  ) {}

  /** Undefined for an unknown tenant, and while the control plane is away: traffic passes, and the metrics of `limiter` say so. */
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
