import {
  duration,
  list,
  oneOf,
  type SettingType,
  SettingValueError,
  setting,
  settingsGroup,
  text,
  type ValuesOf,
} from '@kero/runtime';

const MAX_TOLERANCE_MS = 300_000;

export const authSettings = settingsGroup(
  'Authentication',
  {
    mode: setting('AUTH', oneOf('none', 'required'), {
      description:
        'none: everybody who reaches the port may send events. required: refuse to start without API_KEYS_FILE or AUTH_JWT_ISSUER. Without it these two decide; with neither of them only loopback is served.',
      example: 'required',
    }),
    keysFile: setting('API_KEYS_FILE', text(), {
      description:
        'File of the API keys (hashes only), made by `kero keys create`. Read again every second, so no change needs a restart.',
      example: '/etc/kero/api-keys.json',
    }),
    keysMaxAgeMs: setting('API_KEYS_MAX_AGE', duration(1000), {
      default: '60s',
      description:
        'How long keys that were read before still count when the file cannot be read; then the answer is 503.',
    }),
    issuer: setting('AUTH_JWT_ISSUER', secureUrl(), {
      description: 'Accept JWTs of this issuer (`iss`), an OpenID Connect provider for one.',
      example: 'https://login.example.com/',
    }),
    audience: setting('AUTH_JWT_AUDIENCE', list(), {
      description: 'What `aud` of a JWT must name; with several, one of them. Required with AUTH_JWT_ISSUER.',
      example: 'https://events.example.com',
    }),
    jwksUrl: setting('AUTH_JWT_JWKS_URL', secureUrl(), {
      description:
        'Where the public keys of the issuer are. Without it they are found by `<issuer>/.well-known/openid-configuration`.',
      example: 'https://login.example.com/jwks.json',
    }),
    jwksMaxAgeMs: setting('AUTH_JWT_JWKS_MAX_AGE', duration(1000), {
      default: '24h',
      description:
        'How long public keys that were fetched before still count when the issuer does not answer; then 503.',
    }),
    sourceClaim: setting('AUTH_JWT_SOURCE_CLAIM', text(), {
      default: 'sub',
      description:
        'The claim that names the source of events: text, or a list of texts (all allowed, the first one is the default). It is part of the identity of events: it must stay the same when tokens are renewed.',
    }),
    clockToleranceMs: setting('AUTH_JWT_CLOCK_TOLERANCE', duration(), {
      default: '30s',
      description: 'How far the clocks of the issuer and of Kero may differ when `exp` and `nbf` are checked.',
    }),
    sendKey: setting('KERO_KEY', text(), {
      secret: true,
      description: 'API key or token that the command `kero send` shows to the receiver. Nothing else looks at it.',
    }),
  },
  ({ mode, keysFile, issuer, audience, jwksUrl, clockToleranceMs }) => {
    const problems: string[] = [];
    if (mode === 'none' && (keysFile !== undefined || issuer !== undefined)) {
      const name = keysFile === undefined ? 'AUTH_JWT_ISSUER' : 'API_KEYS_FILE';
      problems.push(`AUTH: none lets everybody in, and ${name} says who may: keep one of them`);
    }
    if (mode === 'required' && keysFile === undefined && issuer === undefined) {
      problems.push('AUTH: required, and nothing says who may send: set API_KEYS_FILE or AUTH_JWT_ISSUER');
    }
    if (issuer !== undefined && (audience === undefined || audience.length === 0)) {
      problems.push(
        'AUTH_JWT_AUDIENCE: is required with AUTH_JWT_ISSUER, or tokens that were made for other services would be let in',
      );
    }
    if (issuer === undefined && (audience !== undefined || jwksUrl !== undefined)) {
      problems.push('AUTH_JWT_ISSUER: is required with AUTH_JWT_AUDIENCE and AUTH_JWT_JWKS_URL');
    }
    if (clockToleranceMs > MAX_TOLERANCE_MS) {
      problems.push('AUTH_JWT_CLOCK_TOLERANCE: at most 5m, or expired tokens would live on: set the clocks right');
    }
    return problems;
  },
);

export type AuthSettings = ValuesOf<typeof authSettings>;

/** Whether something says who may send; without it everybody may who reaches the port. */
export function isAuthConfigured({ keysFile, issuer }: Partial<AuthSettings>): boolean {
  return keysFile !== undefined || issuer !== undefined;
}

/** Whoever can change what comes from there can make tokens: only TLS, or this machine itself. */
function secureUrl(): SettingType<string> {
  return {
    name: 'https URL',
    parse: (input) => {
      if (!isSecureUrl(input)) {
        throw new SettingValueError(
          'expected a URL that begins with https:// (http:// only for this machine: 127.0.0.1)',
        );
      }
      return input;
    },
  };
}

export function isSecureUrl(input: unknown): input is string {
  if (typeof input !== 'string' || !URL.canParse(input)) return false;
  const url = new URL(input);
  if (url.username !== '' || url.password !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname));
}

const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;
