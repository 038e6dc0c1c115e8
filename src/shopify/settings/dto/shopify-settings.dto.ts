import { ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsOptional, IsString, Length, ValidateBy } from 'class-validator';
import { normalizeShopDomain } from '../shop-domain.js';
import { MAX_SECRET_LENGTH, MAX_SECRETS } from '../shopify-accounts.service.js';

/** The body of a request that changes how a tenant's webhooks are verified. What is absent stays as it is. */
@ApiSchema({ name: 'ShopifySettings' })
export class ShopifySettingsDto {
  /** null: webhooks of any shop that knows a secret are taken. */
  @ApiPropertyOptional({ type: 'string', nullable: true })
  @IsOptional()
  @ValidateBy(
    {
      name: 'shopDomain',
      validator: {
        validate: (value) => typeof value === 'string' && normalizeShopDomain(value) !== undefined,
      },
    },
    {
      message: 'must read acme.myshopify.com, without https:// and without a path.',
    },
  )
  readonly shop_domain?: string | null;

  /** Instead of those before; an empty list ends the integration. */
  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'string', minLength: 1, maxLength: MAX_SECRET_LENGTH },
    maxItems: MAX_SECRETS,
    nullable: true,
  })
  @IsOptional()
  @IsArray({ message: 'must be a list of secrets.' })
  @ArrayMaxSize(MAX_SECRETS, { message: `must have at most ${MAX_SECRETS} secrets.` })
  @IsString({ each: true, message: 'must be a list of texts.' })
  @Length(1, MAX_SECRET_LENGTH, { each: true, message: `must have secrets of 1 to ${MAX_SECRET_LENGTH} characters.` })
  @ValidateBy(
    { name: 'notPadded', validator: { validate: (value) => typeof value !== 'string' || value === value.trim() } },
    { each: true, message: 'must have secrets without space around them.' },
  )
  readonly secrets?: readonly string[] | null;
}
