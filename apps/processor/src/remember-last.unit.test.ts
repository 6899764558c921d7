import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rememberLast } from './remember-last.ts';

test('answers as the function does, and asks it only when the bytes are others than last time', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('', 'a', 'b', 'ab')), (texts) => {
      let asked = 0;
      const read = rememberLast((bytes) => {
        asked++;
        return bytes.toString();
      });
      const reused = Buffer.alloc(2);
      for (const text of texts) {
        // The same memory again and again, as after the buffer of a fetch is gone.
        const bytes = reused.subarray(0, reused.write(text));
        assert.equal(read(bytes), text);
      }
      assert.equal(asked, texts.filter((text, index) => index === 0 || text !== texts[index - 1]).length);
    }),
  );
});
