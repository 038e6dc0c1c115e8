import { Module, type OnModuleInit } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuthModuleOptions } from '@nestjs/passport';
import { Configuration } from '../config/configuration.js';
import { SecretBox } from '../tenants/secret.box.js';
import { StoredSecrets } from '../tenants/stored-secrets.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import {
  ApiKeyStrategy,
  type CredentialStrategy,
  SessionTokenStrategy,
  UserTokenStrategy,
} from './credential.strategies.js';
import { CredentialGuard } from './credential.guard.js';
import { ExternalIssuer } from './tokens/external-issuer.js';
import { JwksController } from './tokens/jwks.controller.js';
import { OwnIssuer } from './tokens/own-issuer.js';
import { SigningKeys } from './tokens/signing-keys.js';
import { Tokens } from './tokens/tokens.service.js';

/** Who may call what, and from where: its guard stands before every route of the application. */
@Module({
  imports: [TenantsModule],
  controllers: [JwksController],
  providers: [
    {
      provide: SigningKeys,
      inject: [Configuration, SecretBox],
      useFactory: (configuration: Configuration, secrets: SecretBox) => SigningKeys.load(configuration, secrets),
    },
    OwnIssuer,
    ExternalIssuer,
    Tokens,
    ApiKeyStrategy,
    SessionTokenStrategy,
    UserTokenStrategy,
    {
      provide: AuthModuleOptions,
      // Tried in this order; most requests carry a key, and most of the others a session.
      inject: [ApiKeyStrategy, SessionTokenStrategy, UserTokenStrategy],
      useFactory: (...strategies: CredentialStrategy[]): AuthModuleOptions => ({
        defaultStrategy: strategies.map(({ name }) => name),
        property: 'principal',
        session: false,
      }),
    },
    { provide: APP_GUARD, useClass: CredentialGuard },
  ],
  exports: [Tokens],
})
export class AuthModule implements OnModuleInit {
  constructor(private readonly storedSecrets: StoredSecrets) {}

  /** A start with the wrong ENCRYPTION_KEY would answer 500 to whoever needs a stored secret. */
  async onModuleInit(): Promise<void> {
    await this.storedSecrets.requireKeys();
  }
}
