import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Slots } from './slots.ts';

test('never more at once than there are places, nobody waits for a free one, and who came first goes first', async () => {
  const steps = fc.array(fc.constantFrom('take', 'release'), { maxLength: 60, size: 'max' });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), steps, async (count, sequence) => {
      const slots = new Slots(count);
      const got: number[] = [];
      let asked = 0;
      let released = 0;
      for (const step of sequence) {
        if (step === 'take') {
          const turn = asked++;
          void slots.take().then(() => got.push(turn));
        } else if (got.length > released) {
          released++;
          slots.release();
        }
        await Promise.resolve().then(() => {});
        assert.equal(got.length - released, Math.min(count, asked - released), 'places are taken while somebody asks');
        assert.deepEqual(
          got,
          Array.from(got, (_, index) => index),
        );
      }
    }),
    { numRuns: 500 },
  );
});
