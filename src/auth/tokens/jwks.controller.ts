import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty } from '@nestjs/swagger';
import type { JWK } from 'jose';
import { Accepts, EVERYBODY } from '../principal.js';
import { SigningKeys } from './signing-keys.js';

class JsonWebKey {
  @ApiProperty() readonly kty!: string;
  @ApiProperty() readonly kid!: string;
  @ApiProperty({ required: false }) readonly alg?: string;
  @ApiProperty({ required: false }) readonly use?: string;
}

class JwksBody {
  @ApiProperty({ type: [JsonWebKey] }) readonly keys!: readonly JWK[];
}

/** Where other services find the keys that verify our tokens. */
@Controller()
@Accepts(EVERYBODY)
export class JwksController {
  constructor(private readonly signingKeys: SigningKeys) {}

  @Get(['api/auth/jwks', '.well-known/jwks.json'])
  @Header('cache-control', 'public, max-age=300')
  @ApiOperation({
    summary: 'Get the keys that verify our tokens',
    description: 'A JSON Web Key Set (RFC 7517). Empty where tokens are signed with a secret.',
  })
  @ApiOkResponse({ description: 'The public keys.', type: JwksBody })
  keys(): JwksBody {
    return { keys: this.signingKeys.publicKeys() };
  }
}
