import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatUuid } from '@kero/events';
import { IdTexts } from './id-texts.ts';

const ids = Array.from({ length: 600 }, (_, index) => {
  const id = Buffer.alloc(16, 0xa5);
  id.writeUInt32BE(index, 12);
  return id;
});

function piecesOf(count: number): string {
  const texts = new IdTexts();
  for (let index = 0; index < count; index++) texts.write(index, ids[index] as Buffer);
  return Buffer.concat(texts.pieces(count)).toString();
}

test('ids are the items of a JSON array, however many pages they take', () => {
  for (const count of [1, 2, 255, 256, 257, 512, 513, 600]) {
    assert.deepEqual(JSON.parse(`[${piecesOf(count)}]`), ids.slice(0, count).map(formatUuid), `${count}`);
  }
});

test('the text of an id stays what it is, whatever is written after it', () => {
  const texts = new IdTexts();
  const written = ids.map((id, index) => texts.write(index, id));
  assert.deepEqual(written.map(String), ids.map(formatUuid));
});

test('an item without an id is passed over', () => {
  const texts = new IdTexts();
  texts.write(1, ids[7] as Buffer);
  texts.write(300, ids[8] as Buffer);
  assert.equal(texts.quoted(1), `"${formatUuid(ids[7] as Buffer)}"`);
  assert.equal(texts.quoted(300), `"${formatUuid(ids[8] as Buffer)}"`);
});
