const SCHEME = '[A-Za-z][A-Za-z0-9+.-]*:';
const PERCENT = '%[0-9A-Fa-f]{2}';
const PLAIN = "A-Za-z0-9._~!$&'()*+,;=\\-";

const AUTHORITY = `((?:[${PLAIN}:]|${PERCENT})*@)?(\\[[${PLAIN}:]+\\]|(?:[${PLAIN}]|${PERCENT})*)(:[0-9]*)?`;

/**
 * RFC 3986, 4.1, with one thing allowed beyond it: a colon in the first segment of a path, so that `10.0.0.1:8080` passes. The
 * parts end where others begin, so that the time is linear in the length of the text.
 */
const URI_REFERENCE = new RegExp(
  [
    `^(?:${SCHEME}|(?!${SCHEME}))`,
    `(//${AUTHORITY}(?=[/?#]|$)|(?!//))`,
    `(?:[${PLAIN}:@/]|${PERCENT})*`,
    `(\\?(?:[${PLAIN}:@/?]|${PERCENT})*)?`,
    `(#(?:[${PLAIN}:@/?]|${PERCENT})*)?$`,
  ].join(''),
);

const STARTS_WITH_SCHEME = new RegExp(`^${SCHEME}`);

/** Longer texts are refused unread: a star in a pattern needs memory for each character that it may give back. */
const MAX_LENGTH = 8_000;

/** Whether the text is a URI or a relative reference, for example `https://a.example/b`, `urn:x:1`, `/sensors/1`, `1-555-123`. */
export function isUriReference(text: string): boolean {
  return text.length <= MAX_LENGTH && URI_REFERENCE.test(text);
}

/** Whether the text is a URI with a scheme. A fragment is allowed: schemas are often named with one. */
export function isUri(text: string): boolean {
  return STARTS_WITH_SCHEME.test(text) && isUriReference(text);
}
