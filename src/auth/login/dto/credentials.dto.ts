import { ApiSchema } from '@nestjs/swagger';
import { RequiredText } from './required-text.decorator.js';

/**
 * Only what no address and no password can be is refused by field; all else is right or wrong. Both limits leave room for
 * what normalization takes away: blanks around an address, and characters of a password that were typed in pieces.
 */
const LIMIT = 1_024;

/** The body of a login. */
@ApiSchema({ name: 'Credentials' })
export class CredentialsDto {
  @RequiredText(LIMIT)
  readonly email!: string;

  @RequiredText(LIMIT)
  readonly password!: string;
}
