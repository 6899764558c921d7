import { CLOSE_BRACE } from './json-bytes.ts';
import { JsonScanner } from './json-scanner.ts';

/**
 * The texts of the members of an object, as they are written (in Latin-1, one character a byte); of a name that is given twice the
 * first. `bytes` are an object that readJson has read: this throws where they break the grammar.
 */
export function memberTexts(bytes: Buffer): ReadonlyMap<string, string> {
  const scanner = new JsonScanner(bytes);
  const texts = new Map<string, string>();
  scanner.skipSpace();
  for (let more = scanner.enters(CLOSE_BRACE); more; more = scanner.goesOn(CLOSE_BRACE)) {
    const nameStart = scanner.at;
    scanner.name();
    const name: string = JSON.parse(bytes.toString('utf8', nameStart, scanner.at));
    scanner.colon();
    const start = scanner.at;
    scanner.value();
    if (!texts.has(name)) texts.set(name, scanner.text.slice(start, scanner.at));
  }
  return texts;
}
