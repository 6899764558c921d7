import { CLOSE_BRACKET, COMMA, OPEN_BRACKET, QUOTE } from '../json/json-bytes.ts';
import type { DataSpans } from './scan-event.ts';
import type { ValueScanner } from './scan-value.ts';

/** A quick look at the event_data of a purchase; see TypeSchema.isPlain. */
export function isPlainPurchase(data: DataSpans): boolean {
  const { scanner } = data;
  const itemId = data.find(ITEM_ID);
  const price = data.find(PRICE);
  const tags = data.find(TAGS);
  return (
    itemId > 0 &&
    scanner.peek(itemId) === QUOTE &&
    price > 0 &&
    isPrice(scanner, price) &&
    (tags < 0 || areWords(scanner, tags))
  );
}

/** A decimal in a string has the grammar of a number without exponent. */
function isPrice(scanner: ValueScanner, at: number): boolean {
  if (scanner.peek(at) !== QUOTE) return scanner.number(at) > 0;
  const end = scanner.number(at + 1);
  return end > 0 && scanner.peek(end) === QUOTE;
}

function areWords(scanner: ValueScanner, start: number): boolean {
  if (scanner.peek(start) !== OPEN_BRACKET) return false;
  let at = scanner.next(start);
  if (scanner.peek(at) === CLOSE_BRACKET) return true;
  for (;;) {
    if (scanner.peek(at) !== QUOTE) return false;
    at = scanner.plainString(at);
    if (at < 0) return false;
    at = scanner.skipSpace(at);
    if (scanner.peek(at) !== COMMA) return true;
    at = scanner.next(at);
  }
}

const ITEM_ID = Buffer.from('item_id');
const PRICE = Buffer.from('price');
const TAGS = Buffer.from('tags');
