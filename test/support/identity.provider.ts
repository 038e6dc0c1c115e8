import { randomUUID } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

type Algorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA';
type Answer = (response: ServerResponse, keys: readonly JWK[]) => void;

interface ProviderKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

const AS_IT_SHOULD: Answer = (response, keys) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ keys }));
};

/** Another issuer of tokens: a real HTTP server with its JWKS, which can be made to misbehave. */
export class IdentityProvider {
  static readonly ISSUER = 'https://login.example.com/';
  static readonly AUDIENCE = 'segops-api';

  /** How often its keys were asked for. */
  requests = 0;
  /** What it answers to that. */
  answer: Answer = AS_IT_SHOULD;
  private keys: ProviderKey[] = [];
  private server: Server | undefined;
  private port = 0;

  static async start(algorithm: Algorithm = 'ES256'): Promise<IdentityProvider> {
    const provider = new IdentityProvider();
    await provider.rotate(algorithm);
    await provider.listen();
    return provider;
  }

  get jwksUrl(): string {
    return `http://127.0.0.1:${this.port}/jwks`;
  }

  /** Listens again where it did before {@link stop}. */
  async listen(): Promise<void> {
    const server = createServer((_, response) => {
      this.requests++;
      this.answer(
        response,
        this.keys.map(({ publicJwk }) => publicJwk),
      );
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  async stop(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  answerAsItShould(): void {
    this.answer = AS_IT_SHOULD;
  }

  /** Signs with a new key from now on; its JWKS no longer has the old one. */
  async rotate(alg: Algorithm = 'ES256'): Promise<void> {
    const kid = randomUUID();
    const { privateKey, publicKey } = await generateKeyPair(alg);
    this.keys = [{ kid, alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }];
  }

  /** A token as a user of the tenant has it, but for the changes; `undefined` takes a claim away. */
  async sign(claims: Readonly<Record<string, unknown>> = {}, header: Readonly<Record<string, unknown>> = {}) {
    const [key] = this.keys;
    if (key === undefined) throw new Error('rotate() makes a key');
    const now = Math.floor(Date.now() / 1000);
    const { ISSUER: iss, AUDIENCE: aud } = IdentityProvider;
    return new SignJWT({ iss, aud, sub: 'ann@idp', tenant: 'acme', iat: now, exp: now + 300, ...claims })
      .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
      .sign(key.privateKey);
  }

  get publicKeys(): readonly JWK[] {
    return this.keys.map(({ publicJwk }) => publicJwk);
  }
}
