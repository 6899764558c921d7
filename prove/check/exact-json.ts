/**
 * JSON compared to the digit. Numbers are never turned into doubles: each becomes the decimal text that PostgreSQL's numeric
 * has for it (19.90 stays 19.90, 1.50e1 becomes 15.0, -0 becomes 0), members are sorted, escapes are resolved.
 */
export function canonicalJson(text: string): string {
  return new Canonicalizer(text).whole();
}

/** The members of an object, each in canonical form. Throws when the text is not a JSON object. */
export function canonicalMembers(text: string): Map<string, string> {
  return new Canonicalizer(text).members();
}

/** The digits that PostgreSQL prints for a number of JSON: scale kept, exponent resolved. */
export function plainDecimal(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? fail(`not a number: ${text.slice(0, 50)}`);
  const exponent = Number(exponentText);
  const digits = whole + fraction;
  const pointAt = whole.length + exponent;
  const scale = Math.max(0, fraction.length - exponent);
  const left = pointAt <= 0 ? '0' : digits.slice(0, pointAt).padEnd(pointAt, '0');
  const right = (pointAt < 0 ? '0'.repeat(-pointAt) + digits : digits.slice(Math.max(0, pointAt)))
    .padEnd(scale, '0')
    .slice(0, scale);
  const isZero = /^0*$/.test(digits);
  const plain = `${left.replace(/^0+(?=\d)/, '')}${scale > 0 ? `.${right}` : ''}`;
  return isZero ? plain : sign + plain;
}

function fail(message: string): never {
  throw new SyntaxError(message);
}

class Canonicalizer {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): string {
    const value = this.#value();
    this.#end();
    return value;
  }

  members(): Map<string, string> {
    this.#space();
    if (this.#text[this.#at] !== '{') fail('not an object');
    const found = this.#object();
    this.#end();
    return found;
  }

  #end(): void {
    this.#space();
    if (this.#at < this.#text.length) fail(`something after the JSON at ${this.#at}`);
  }

  #value(): string {
    this.#space();
    const first = this.#text[this.#at];
    if (first === '{') {
      const members = [...this.#object()].sort(([a], [b]) => (a < b ? -1 : 1));
      return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
    }
    if (first === '[') return `[${this.#list(']', () => this.#value()).join(',')}]`;
    if (first === '"') return JSON.stringify(this.#string());
    const [literal] = this.#match(/true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    return /^[tfn]/.test(literal) ? literal : plainDecimal(literal);
  }

  #object(): Map<string, string> {
    const members = new Map<string, string>();
    this.#list('}', () => {
      this.#space();
      const name = this.#string();
      this.#space();
      this.#match(/:/y);
      members.set(name, this.#value());
    });
    return members;
  }

  #list<T>(close: string, item: () => T): T[] {
    this.#at++;
    const items: T[] = [];
    this.#space();
    if (this.#text[this.#at] === close) {
      this.#at++;
      return items;
    }
    for (;;) {
      items.push(item());
      this.#space();
      if (this.#match(/[,\]}]/y)[0] === close) return items;
    }
  }

  #string(): string {
    const [text] = this.#match(/"(?:[^"\\]|\\.)*"/y);
    return JSON.parse(text) as string;
  }

  #space(): void {
    this.#match(/[ \t\r\n]*/y);
  }

  #match(pattern: RegExp): RegExpExecArray {
    pattern.lastIndex = this.#at;
    const found =
      pattern.exec(this.#text) ?? fail(`unexpected at ${this.#at}: ${this.#text.slice(this.#at, this.#at + 20)}`);
    this.#at = pattern.lastIndex;
    return found;
  }
}
