import type { Principal } from '../auth/principal.js';
import { networkOf } from '../common/address.network.js';
import type { Configuration } from '../config/configuration.js';
import type { Budget } from './counters/limit.counters.js';

/** The period of an event quota. */
interface QuotaMonth {
  /** As in `2026-11`. */
  readonly name: string;
  /** The start of the next one. */
  readonly endsAt: Date;
}

export function quotaMonthOf(now: Date): QuotaMonth {
  return {
    name: now.toISOString().slice(0, 7),
    endsAt: new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1)),
  };
}

const MINUTE = { life: { ms: 60_000 }, period: 'a minute' } as const;
/** As long as a session lives. */
const SESSION = { life: { ms: 15 * 60_000 }, period: 'in 15 minutes' } as const;
const DAY = { life: { ms: 24 * 60 * 60_000 }, period: 'a day' } as const;
/** How long a month's count is kept after its end: until no instance's clock is still in it, and for inspection. */
const KEEP_AFTER_END_SECONDS = 3 * 24 * 60 * 60;

/** Who makes a request, for limits. */
export interface Spender {
  readonly tenantId: string;
  /** Of a request with a public key or a session, since anybody can read the key in a page's source. */
  readonly visitor?: Visitor | undefined;
}

interface Visitor {
  readonly apiKeyId: string;
  /** Undefined before there is one. */
  readonly sessionId: string | undefined;
  /** IPv4 or IPv6. */
  readonly address: string;
}

/** A budget, with the words for its messages. */
export interface NamedBudget extends Budget {
  /** As in `The plan free allows … 60 calls a minute.` Empty: the tenant itself. */
  readonly holder: '' | 'a session ' | 'one address ' | 'a public key ' | 'public keys ';
  /** `a day`, `a minute`, … */
  readonly period: string;
}

/** How much of a public key's budget one visitor may use, in percent. */
type VisitorShares = Pick<Configuration, 'publicSessionPercent' | 'publicAddressPercent'>;

/** @param address the client's */
export function spenderOf(principal: Principal, address: string): Spender {
  switch (principal.kind) {
    case 'secret-key':
    case 'user':
      return principal;
    case 'public-key':
    case 'session': {
      const sessionId = principal.kind === 'session' ? principal.sessionId : undefined;
      return { tenantId: principal.tenantId, visitor: { apiKeyId: principal.apiKey.id, sessionId, address } };
    }
    default:
      return principal satisfies never;
  }
}

/** What a call counts against. @param limit the tenant's calls a minute */
export function callBudgets(limit: number, { tenantId, visitor }: Spender, shares: VisitorShares): NamedBudget[] {
  const tenant = { ...MINUTE, name: `calls:${tenantId}`, limit };
  if (visitor === undefined) return [{ ...tenant, holder: '' }];
  const key = { ...tenant, name: `${tenant.name}:${visitor.apiKeyId}`, holder: 'a public key ' } as const;
  return [...sharesOf(key, visitor, shares, { session: MINUTE, address: MINUTE }), key];
}

/** What events count against. @param limit the tenant's events a month */
export function eventBudgets(
  limit: number,
  { tenantId, visitor }: Spender,
  shares: VisitorShares,
  { name, endsAt }: QuotaMonth,
): NamedBudget[] {
  const life = { untilEpochSeconds: endsAt.getTime() / 1000 + KEEP_AFTER_END_SECONDS };
  const tenant = { name: `events:${tenantId}:${name}`, limit, life, period: 'a month' };
  if (visitor === undefined) return [{ ...tenant, holder: '' }];
  // One for all public keys: a tenant can make any number of them.
  const all = { ...tenant, name: `${tenant.name}:public`, holder: 'public keys ' } as const;
  return [...sharesOf(all, visitor, shares, { session: SESSION, address: DAY }), all];
}

/** The visitor's own budgets, which are checked first. */
function sharesOf(
  { name, limit }: Budget,
  { sessionId, address }: Visitor,
  { publicSessionPercent, publicAddressPercent }: VisitorShares,
  times: Readonly<Record<'session' | 'address', Pick<NamedBudget, 'life' | 'period'>>>,
): NamedBudget[] {
  const shareOf = (percent: number): number => Math.max(1, Math.floor((limit * percent) / 100));
  return [
    ...(sessionId === undefined
      ? []
      : [
          {
            ...times.session,
            name: `${name}:session:${sessionId}`,
            limit: shareOf(publicSessionPercent),
            holder: 'a session ',
          } as const,
        ]),
    {
      ...times.address,
      name: `${name}:address:${networkOf(address)}`,
      limit: shareOf(publicAddressPercent),
      holder: 'one address ',
    },
  ];
}
