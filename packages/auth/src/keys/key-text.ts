import { hash, randomBytes } from 'node:crypto';

/**
 * An API key is `kero_<id>_<secret>`: the id finds it (60 random bits, public), the secret proves it (200 random bits,
 * shown once). Letters that nobody takes for another, and a beginning that scanners for leaked secrets can look for.
 */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 12;
const SECRET_LENGTH = 40;
const KEY = /^kero_([a-z2-7]{12})_([a-z2-7]{40})$/;
const KEY_ANYWHERE = /kero_[a-z2-7]{12}_/;
const KEY_ID = /^[a-z2-7]{12}$/;

export interface KeyParts {
  readonly id: string;
  readonly secret: string;
}

export function makeKey(): KeyParts {
  return { id: randomText(ID_LENGTH), secret: randomText(SECRET_LENGTH) };
}

export function keyText({ id, secret }: KeyParts): string {
  return `kero_${id}_${secret}`;
}

export function parseKey(text: string): KeyParts | undefined {
  const match = KEY.exec(text);
  return match?.[1] && match[2] ? { id: match[1], secret: match[2] } : undefined;
}

/** True for keys, and for what was meant to be one. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith('kero_');
}

/** True where a key, or so much of one that it can be found out whose it is, stands anywhere in the text. */
export function containsKey(text: string): boolean {
  return KEY_ANYWHERE.test(text);
}

export function isKeyId(text: string): boolean {
  return KEY_ID.test(text);
}

/** SHA-256, 32 bytes. The secret has so many random bits that no slow hash is needed: nobody can try them all. */
export function digestOf(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** 5 random bits a letter: 32 letters, so that no byte has to be thrown away. */
function randomText(length: number): string {
  return Array.from(randomBytes(length), (byte) => ALPHABET[byte & 31]).join('');
}
