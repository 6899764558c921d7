import type { RequestHead } from './auth.ts';
import { containsKey, looksLikeKey } from './keys/key-text.ts';

/** What a request shows of who sends it, before anybody asked whether that is right. */
export type Credential =
  | { readonly kind: 'none' }
  /** More than one, or in the URL: who sends so shows its secret to others, or tries which one we look at. */
  | { readonly kind: 'misplaced' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'key'; readonly text: string }
  | { readonly kind: 'token'; readonly text: string };

/** A token that is longer is refused before it is looked at. */
export const MAX_CREDENTIAL_LENGTH = 8192;

const NONE: Credential = { kind: 'none' };
const MISPLACED: Credential = { kind: 'misplaced' };
const MALFORMED: Credential = { kind: 'malformed' };

const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * Finds the credential in the raw headers: Node keeps only the first of two Authorization headers, and a proxy in front may
 * have looked at the other one.
 */
export function readCredential({ rawHeaders, url }: RequestHead): Credential {
  let authorization: string | undefined;
  let apiKey: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === 13 && name.toLowerCase() === 'authorization') {
      if (authorization !== undefined) return MISPLACED;
      authorization = rawHeaders[at + 1] ?? '';
    } else if (name.length === 9 && name.toLowerCase() === 'x-api-key') {
      if (apiKey !== undefined) return MISPLACED;
      apiKey = rawHeaders[at + 1] ?? '';
    }
  }
  if (authorization !== undefined && apiKey !== undefined) return MISPLACED;
  if (url !== undefined && hasCredential(url)) return MISPLACED;
  if (apiKey !== undefined) return isShort(apiKey) ? { kind: 'key', text: apiKey } : MALFORMED;
  if (authorization === undefined) return NONE;
  const text = isShort(authorization) ? BEARER.exec(authorization)?.[1] : undefined;
  if (text === undefined) return MALFORMED;
  return looksLikeKey(text) ? { kind: 'key', text } : { kind: 'token', text };
}

function isShort(text: string): boolean {
  return text.length <= MAX_CREDENTIAL_LENGTH;
}

const QUERY_NAMES: ReadonlySet<string> = new Set([
  'access_token',
  'api_key',
  'api-key',
  'apikey',
  'authorization',
  'bearer',
  'key',
  'token',
  'x-api-key',
]);

const ESCAPE = /%([0-9a-f]{2})/gi;

function hasCredential(url: string): boolean {
  const isEscaped = url.includes('%');
  if (!isEscaped && !url.includes('?') && !url.includes('kero_')) return false;
  // Where there are bytes of which no text can be made, the rest is looked at all the same.
  if (containsKey(isEscaped ? url.replace(ESCAPE, (_, code) => String.fromCharCode(Number.parseInt(code, 16))) : url)) {
    return true;
  }
  if (!url.includes('?')) return false;
  for (const [name, value] of new URLSearchParams(url.slice(url.indexOf('?') + 1))) {
    if (QUERY_NAMES.has(name.toLowerCase()) || looksLikeKey(value)) return true;
  }
  return false;
}
