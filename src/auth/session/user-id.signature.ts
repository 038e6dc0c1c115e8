import { createHmac, timingSafeEqual } from 'node:crypto';

/** How old a signature may be, and how far ahead of ours the clock of the server that signs, in seconds. */
const TOLERANCE_SECONDS = 5 * 60;
const FORM = /^[0-9a-f]{64}$/;

/** The proof that the tenant's own server vouches for a user id. */
interface UserIdSignature {
  readonly userId: string;
  /** Lower-case hex of HMAC-SHA256 over `"<user_id>|<unix_ts>"`. */
  readonly signature: string | undefined;
  /** Unix seconds, as they were signed. */
  readonly timestamp: string | undefined;
}

/**
 * What is wrong with a signature, in words that say what to do; undefined when it is right.
 * @param hmacSecret of the public key, in hex
 * @param now Unix milliseconds
 */
export function problemOfSignature(
  { userId, signature, timestamp }: UserIdSignature,
  hmacSecret: string,
  now: number,
): string | undefined {
  if (signature === undefined || timestamp === undefined) {
    return 'The signature of user_id is missing: send user_id_sig and user_id_ts, which your server makes.';
  }
  if (!FORM.test(signature)) {
    return 'The signature of user_id is wrong: user_id_sig must be 64 hex digits in lower case.';
  }
  const expected = createHmac('sha256', Buffer.from(hmacSecret, 'hex')).update(`${userId}|${timestamp}`).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) {
    return 'The signature of user_id is wrong: sign "<user_id>|<user_id_ts>" with HMAC-SHA256, keyed with the hex-decoded hmac_secret of this public key.';
  }
  const age = Math.floor(now / 1000) - Number(timestamp);
  if (age > TOLERANCE_SECONDS) {
    return `The signature of user_id is too old: it is good for ${TOLERANCE_SECONDS} s. Have your server make another.`;
  }
  return age < -TOLERANCE_SECONDS
    ? `The signature of user_id is too new: user_id_ts must be Unix seconds, at most ${TOLERANCE_SECONDS} s from now. Set the clock of your server.`
    : undefined;
}
