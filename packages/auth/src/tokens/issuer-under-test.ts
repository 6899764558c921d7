import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: GenerateKeyPairResult['privateKey'];
  readonly jwk: JWK;
}

/** An issuer of tokens on this machine: an OpenID configuration, a set of keys, and tokens as a test wants them. */
export class IssuerUnderTest {
  readonly url: string;
  /** Requests that it has answered, by path. */
  readonly asked: Record<string, number> = {};
  /** What it answers with instead of what it should. */
  answer: RequestListener | undefined;
  /** Everything is at another place by now, and it says so. */
  moved = false;
  /** Members of its OpenID configuration that are not as they should be. */
  configuration: Readonly<Record<string, unknown>> = {};
  #published: SigningKey[] = [];

  static async start(t: TestContext): Promise<IssuerUnderTest> {
    const server = createServer((request, response) => issuer.#serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const issuer = new IssuerUnderTest(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return issuer;
  }

  private constructor(url: string) {
    this.url = url;
  }

  get jwksUrl(): string {
    return `${this.url}jwks`;
  }

  /** Makes a key; it is published at once unless it is said otherwise. */
  async key(kid: string, { alg = 'ES256', published = true } = {}): Promise<SigningKey> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const key = { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
    if (published) this.publish(key);
    return key;
  }

  publish(key: SigningKey): void {
    this.#published.push(key);
  }

  withdraw(key: SigningKey): void {
    this.#published = this.#published.filter((other) => other !== key);
  }

  /** A token that is right, but for the given claims and members of its header; undefined leaves one out. */
  async token(key: SigningKey, claims: JWTPayload = {}, header: Record<string, unknown> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const right = { iss: this.url, aud: 'kero', sub: 'client-7', iat: now, exp: now + 600, scope: 'events:write' };
    const { alg, kid } = key;
    const protectedHeader = { alg, kid, typ: 'at+jwt', ...header };
    return new SignJWT({ ...right, ...claims }).setProtectedHeader(protectedHeader).sign(key.privateKey);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '';
    if (this.moved && !url.startsWith('/moved')) {
      this.asked[url] = (this.asked[url] ?? 0) + 1;
      response.writeHead(307, { location: `/moved${url}` }).end();
      return;
    }
    const path = url.replace(/^\/moved/, '');
    this.asked[path] = (this.asked[path] ?? 0) + 1;
    if (this.answer) return void this.answer(request, response);
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer: this.url, jwks_uri: this.jwksUrl, ...this.configuration },
      '/jwks': { keys: this.#published.map(({ jwk }) => jwk) },
    };
    const document = documents[path];
    response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  }
}
