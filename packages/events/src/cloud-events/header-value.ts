/** The value of a `ce-` header as the attribute that it carries, or why there is none. */
export type DecodedHeader =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly detail: string };

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Decodes a header value as section 3.1.3.2 of the HTTP binding says: first double-quoted strings, then one round of percent-decoding.
 * A percent sign without two hexadecimal digits behind it stands for itself: senders that do not encode write it so, and no
 * encoder does. `raw` is the value as Node.js gives it, one character a byte. Never throws.
 */
export function decodeHeaderValue(raw: string): DecodedHeader {
  if (/[^\x20-\x7e]/.test(raw)) {
    return refused('A header has printable ASCII only: percent-encode the UTF-8 bytes of every other character.');
  }
  const text = raw.includes('"') ? withoutQuotes(raw) : raw;
  if (text === undefined) {
    return refused('A double quote opens text that is never closed; write a double quote of the value as %22.');
  }
  if (!text.includes('%')) return { ok: true, value: text };
  try {
    return { ok: true, value: percentDecoded(text) };
  } catch {
    return refused('The percent-encoded bytes are not UTF-8; write a percent sign of the value as %25.');
  }
}

/** RFC 7230, 3.2.6: within double quotes a backslash stands before a character that is meant as it is. */
function withoutQuotes(raw: string): string | undefined {
  let text = '';
  let isQuoted = false;
  for (let at = 0; at < raw.length; at++) {
    let character = raw.charAt(at);
    if (character === '"') {
      isQuoted = !isQuoted;
      continue;
    }
    if (character === '\\' && isQuoted) character = raw.charAt(++at);
    text += character;
  }
  return isQuoted ? undefined : text;
}

/** Throws where the bytes are not UTF-8. */
function percentDecoded(text: string): string {
  const bytes = text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return strictUtf8.decode(Buffer.from(bytes, 'latin1'));
}

function refused(detail: string): DecodedHeader {
  return { ok: false, detail };
}
