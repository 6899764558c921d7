const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const TYPE = new RegExp(`^(${TOKEN})/(${TOKEN})`);
const PARAMETER = new RegExp(`[ \\t]*;[ \\t]*(?:(${TOKEN})=(${TOKEN}|"(?:[^"\\\\]|\\\\.)*"))?`, 'y');

/** A media type as it stands in Content-Type and `datacontenttype`. Names are in lower case; a parameter is kept once. */
export interface MediaType {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** No type that is in use comes near it; the patterns need memory for each character. */
const MAX_LENGTH = 1_000;

/** Undefined where the text is not a media type, or gives a parameter twice. */
export function parseMediaType(text: string): MediaType | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const trimmed = text.trim();
  const [start, type, subtype] = TYPE.exec(trimmed) ?? [];
  if (start === undefined || type === undefined || subtype === undefined) return undefined;
  const parameters = new Map<string, string>();
  let at = start.length;
  while (at < trimmed.length) {
    PARAMETER.lastIndex = at;
    const [parameter, name, value] = PARAMETER.exec(trimmed) ?? [];
    if (parameter === undefined) return undefined;
    at += parameter.length;
    if (name === undefined || value === undefined) continue;
    const key = name.toLowerCase();
    if (parameters.has(key)) return undefined;
    parameters.set(key, value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value);
  }
  return { type: type.toLowerCase(), subtype: subtype.toLowerCase(), parameters };
}

/** Whether content of this type is JSON in UTF-8: the subtype is `json` or ends in `+json`, and there is no other charset. */
export function isJsonMediaType({ subtype, parameters }: MediaType): boolean {
  const charset = parameters.get('charset');
  return (
    (subtype === 'json' || subtype.endsWith('+json')) && (charset === undefined || charset.toLowerCase() === 'utf-8')
  );
}
