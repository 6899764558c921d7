/** The value of a `ce-` header as the attribute that it carries, or why there is none. */
export type DecodedHeader =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly detail: string };

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Decodes a header value as section 3.1.3.2 of the HTTP binding says: first double-quoted strings, then one round of percent-decoding,
 * as UTF-8. What senders that do not encode write is read where it has one meaning: a percent sign without two hexadecimal digits
 * behind it stands for itself, and so do bytes that are UTF-8 as they are. `raw` is the value as Node.js gives it, one character a byte.
 * Never throws.
 */
export function decodeHeaderValue(raw: string): DecodedHeader {
  const text = raw.includes('"') ? withoutQuotes(raw) : raw;
  if (text === undefined) {
    return refused('A double quote opens text that is never closed; write a double quote of the value as %22.');
  }
  if (!/[%\x80-\xff]/.test(text)) return { ok: true, value: text };
  try {
    return { ok: true, value: strictUtf8.decode(Buffer.from(percentDecoded(text), 'latin1')) };
  } catch {
    return refused('The bytes are not UTF-8, also percent-encoded ones; write a percent sign of the value as %25.');
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

function percentDecoded(text: string): string {
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function refused(detail: string): DecodedHeader {
  return { ok: false, detail };
}
