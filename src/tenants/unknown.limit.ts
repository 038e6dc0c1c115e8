import { networkOf } from '../common/address.network.js';
import { unavailable } from '../common/errors.js';

/** Look-ups a second that find nothing, of one network and in all. Each costs PostgreSQL about a tenth of a millisecond. */
const MAX_A_SECOND = { network: 50, total: 500 } as const;
const RETRY_AFTER_SECONDS = 1;

interface Second {
  readonly number: number;
  total: number;
  readonly byNetwork: Map<string, number>;
}

/** Bounds what made-up keys, origins and tokens cost the database: anybody can send as many as they like. */
export class UnknownLimit {
  private second: Second = { number: -1, total: 0, byNetwork: new Map() };

  /** @param now in milliseconds */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * Runs a look-up that may find nothing. Those that find something do not count.
   * @param address the client's, if it is known
   * @throws ApiError 503 without running it, when too many found nothing within this second: it may be good
   */
  async run<T>(address: string | undefined, lookUp: () => Promise<T | undefined>): Promise<T | undefined> {
    const second = this.currentSecond();
    const network = address === undefined ? '' : networkOf(address);
    const ofNetwork = second.byNetwork.get(network) ?? 0;
    if (second.total >= MAX_A_SECOND.total || (address !== undefined && ofNetwork >= MAX_A_SECOND.network)) {
      throw unavailable('Too many keys that nobody knows are coming in. Send the request again.', RETRY_AFTER_SECONDS);
    }
    const add = (count: 1 | -1): void => {
      second.total += count;
      second.byNetwork.set(network, (second.byNetwork.get(network) ?? 0) + count);
    };
    // While it runs too, since many may come at once.
    add(1);
    let isUnknown = false;
    try {
      const found = await lookUp();
      isUnknown = found === undefined;
      return found;
    } finally {
      if (!isUnknown) add(-1);
    }
  }

  private currentSecond(): Second {
    const number = Math.floor(this.now() / 1000);
    if (this.second.number !== number) this.second = { number, total: 0, byNetwork: new Map() };
    return this.second;
  }
}
