import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Place, Room } from './room.ts';

test('never more at once than there is room, nobody waits for what is free, and who came first goes first', async () => {
  const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant('leave' as const)), {
    maxLength: 60,
    size: 'max',
  });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 5, max: 12 }), steps, async (size, sequence) => {
      const room = new Room(size);
      const inside: { turn: number; place: Place; size: number }[] = [];
      const waiting: number[] = [];
      let entered = 0;
      let asked = 0;
      for (const step of sequence) {
        if (step === 'leave') inside.shift()?.place.leave();
        else {
          const turn = asked++;
          const place = room.place(step);
          waiting.push(step);
          void place.take().then(() => {
            assert.equal(turn, entered++, 'in the order of asking');
            waiting.shift();
            inside.push({ turn, place, size: step });
          });
        }
        await Promise.resolve().then(() => {});
        const taken = inside.reduce((sum, it) => sum + it.size, 0);
        assert.ok(taken <= size);
        assert.ok(waiting[0] === undefined || taken + waiting[0] > size, 'who waits would not fit');
      }
    }),
    { numRuns: 500 },
  );
});
