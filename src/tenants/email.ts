/** The longest address that mail can be sent to (RFC 5321, 4.5.3.1.3, without its angle brackets). */
export const MAX_EMAIL_LENGTH = 254;

/** One `@` with something on both sides, and nothing that cannot be seen. Whether mail arrives there only mail can tell. */
const FORM = /^[^\s\p{C}@]+@[^\s\p{C}@]+$/u;

/** An email address as it is stored and compared. */
export function normalizeEmail(email: string): string {
  return email.trim().toLowerCase();
}

/** Whether a normalized text can be an email address at all. */
export function hasEmailForm(email: string): boolean {
  return email.length <= MAX_EMAIL_LENGTH && FORM.test(email);
}
