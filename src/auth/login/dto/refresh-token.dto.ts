import { ApiSchema } from '@nestjs/swagger';
import { RequiredText } from './required-text.decorator.js';

/** The body of a request about a login that was made before. */
@ApiSchema({ name: 'RefreshToken' })
export class RefreshTokenDto {
  @RequiredText(1_024)
  readonly refresh!: string;
}
