import { Controller, Get, Header } from '@nestjs/common';
import type { JWK } from 'jose';
import { Accepts, EVERYBODY } from '../principal.js';
import { jwksDocs } from './jwks.docs.js';
import { SigningKeys } from './signing-keys.js';

/** Where other services find the keys that verify our tokens. */
@Controller()
@Accepts(EVERYBODY)
export class JwksController {
  constructor(private readonly signingKeys: SigningKeys) {}

  @Get(['api/auth/jwks', '.well-known/jwks.json'])
  @Header('cache-control', 'public, max-age=300')
  @jwksDocs.keys
  keys(): { keys: readonly JWK[] } {
    return { keys: this.signingKeys.publicKeys() };
  }
}
