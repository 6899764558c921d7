import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { databaseError, type StoreBatch, type StoreResult } from '@kero/database';
import fc from 'fast-check';
import { addResults, halves, NOTHING_STORED, storeIsolating } from './store-isolating.ts';
import { directStore, LOG_ID, ModelTables, modelEvent, modelLetter, position } from './test-support/model-store.ts';

type Kind = 'good' | 'bad' | 'garbage';
const kinds = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<Kind>('good') },
    { weight: 1, arbitrary: fc.constant<Kind>('bad') },
    { weight: 1, arbitrary: fc.constant<Kind>('garbage') },
  ),
  { minLength: 1, maxLength: 100, size: 'max' },
);
/** Offsets with gaps, and the order in which the batch names them. */
const layout = fc.record({ kinds, first: fc.bigInt(0n, 2n ** 62n), step: fc.bigInt(1n, 5n), reversed: fc.boolean() });

function batchOf({ kinds, first, step, reversed }: { kinds: Kind[]; first: bigint; step: bigint; reversed: boolean }) {
  const offsets = kinds.map((_, index) => first + step * BigInt(index));
  const of = (kind: Kind) => offsets.filter((_, index) => kinds[index] === kind);
  const events = kinds.flatMap((kind, index) => {
    const offset = offsets[index] ?? 0n;
    return kind === 'garbage' ? [] : [modelEvent(offset, { type: kind === 'bad' ? 'evil' : 'view' })];
  });
  const deadLetters = of('garbage').map((offset) => modelLetter(offset));
  if (reversed) events.reverse();
  const batch: StoreBatch = { logId: LOG_ID, logPartition: 3, events, deadLetters };
  return { batch, offsets, of };
}

function evilIsBad(): ModelTables {
  return new ModelTables(({ eventType }) => eventType === 'evil');
}

function lettersOf({ deadLetters }: StoreResult, reason: 'refused_by_database' | 'not_an_event'): number {
  return deadLetters.get(reason) ?? 0;
}

/** Every part that holds a bad record is tried and halved; each bad record costs its letter besides. */
function mostCalls(size: number, bad: number): number {
  return 1 + bad * (2 * Math.ceil(Math.log2(size)) + 1);
}

describe('storeIsolating', () => {
  test('whatever is bad in a batch: exactly that is dead-lettered, everything else is stored, in few transactions', async () => {
    await fc.assert(
      fc.asyncProperty(layout, async (given) => {
        const { batch, of } = batchOf(given);
        const tables = evilIsBad();
        const store = directStore((part) => tables.write(part));
        const result = await storeIsolating(store, batch);

        const rows = [...tables.events.values()].map((row) => row.position).sort();
        const places = (offsets: bigint[]) => offsets.map((offset) => position(3, offset)).sort();
        assert.deepEqual(rows, places(of('good')));
        const letters = [...tables.letters];
        const withReason = (reason: string) => letters.filter(([, it]) => it === reason).map(([place]) => place);
        assert.deepEqual(withReason('refused_by_database').sort(), places(of('bad')));
        assert.deepEqual(withReason('not_an_event').sort(), places(of('garbage')));
        assert.equal(letters.length, of('bad').length + of('garbage').length);

        assert.deepEqual([result.stored, result.duplicates, result.redelivered], [of('good').length, 0, 0]);
        assert.equal(lettersOf(result, 'refused_by_database'), of('bad').length);
        assert.equal(lettersOf(result, 'not_an_event'), of('garbage').length);
        assert.ok(store.calls.length <= mostCalls(given.kinds.length, of('bad').length), `${store.calls.length} calls`);
      }),
      { numRuns: 500 },
    );
  });

  test('one bad record in 5,000 costs at most 2 log2(5,000) transactions and its letter', async () => {
    for (const bad of [0, 1, 2499, 2500, 4998, 4999]) {
      const kinds = Array.from({ length: 5000 }, (_, index): Kind => (index === bad ? 'bad' : 'good'));
      const { batch } = batchOf({ kinds, first: 0n, step: 1n, reversed: false });
      const tables = evilIsBad();
      const store = directStore((part) => tables.write(part));
      await storeIsolating(store, batch);
      assert.equal(tables.events.size, 4999);
      assert.ok(store.calls.length <= mostCalls(5000, 1), `${store.calls.length} calls`);
    }
  });

  test('outages in the middle, known or not to have stored, never make a dead letter of a good record', async () => {
    const outage = fc.constantFrom('before', 'after', undefined, undefined, undefined);
    await fc.assert(
      fc.asyncProperty(layout, fc.array(outage, { maxLength: 60, size: 'max' }), async (given, outages) => {
        const { batch, of } = batchOf(given);
        const tables = evilIsBad();
        const weather = outages.values();
        const store = directStore((part) => {
          const now = weather.next().value;
          const away = databaseError(
            part.events.length % 2 ? 'database_misconfigured' : 'database_unavailable',
            'away',
          );
          if (now === 'before') throw away;
          const result = tables.write(part);
          if (now === 'after') throw away;
          return result;
        });
        // As the processor does: the whole batch again, until it is through.
        for (let tries = 0; ; tries++) {
          assert.ok(tries <= outages.length, 'every failure is one of the outages');
          const wrong = () => [...tables.letters].filter(([, reason]) => reason === 'refused_by_database');
          const bad = new Set(of('bad').map((offset) => position(3, offset)));
          const result = await storeIsolating(store, batch).catch((error: { code?: string }) => {
            assert.match(error.code ?? '', /^database_/);
            return undefined;
          });
          assert.deepEqual(
            wrong().filter(([place]) => !bad.has(place)),
            [],
          );
          if (!result) continue;
          const { stored, duplicates, redelivered, deadLetters } = result;
          const sum = stored + duplicates + redelivered + [...deadLetters.values()].reduce((a, b) => a + b, 0);
          assert.equal(sum, given.kinds.length, 'every record is counted once');
          break;
        }
        assert.equal(tables.events.size, of('good').length);
        assert.equal(tables.letters.size, of('bad').length + of('garbage').length);
      }),
      { numRuns: 500 },
    );
  });

  test('records that are bad only together: the later one of each pair is dead-lettered', async () => {
    const tags = fc.array(fc.nat(8), { minLength: 1, maxLength: 40, size: 'max' });
    await fc.assert(
      fc.asyncProperty(tags, fc.boolean(), async (tagOf, reversed) => {
        const events = tagOf.map((tag, index) => modelEvent(BigInt(index), { data: String(tag) }));
        if (reversed) events.reverse();
        const taken = new Set<string>();
        const tables = new ModelTables(() => false);
        const store = directStore((part) => {
          const own = part.events.map(({ eventData }) => eventData.toString());
          if (new Set(own).size < own.length || own.some((tag) => taken.has(tag))) {
            throw databaseError('data_refused', 'a unique index of somebody');
          }
          for (const tag of own) taken.add(tag);
          return tables.write(part);
        });
        await storeIsolating(store, { logId: LOG_ID, logPartition: 0, events, deadLetters: [] });
        const later = tagOf.flatMap((tag, index) => (tagOf.indexOf(tag) < index ? [`0:${index}`] : []));
        assert.deepEqual([...tables.letters.keys()].sort(), later.sort());
        assert.equal(tables.events.size, new Set(tagOf).size);
      }),
      { numRuns: 500 },
    );
  });

  test('a letter that is refused as well: nothing is called stored, and no good record becomes a letter', async () => {
    await fc.assert(
      fc.asyncProperty(layout, async (given) => {
        const { batch, of } = batchOf(given);
        const tables = evilIsBad();
        const store = directStore((part) => {
          if (part.deadLetters.length > 0) throw databaseError('data_refused', 'no letters here');
          return tables.write(part);
        });
        const storing = storeIsolating(store, batch);
        if (of('good').length === given.kinds.length) await storing;
        else await assert.rejects(storing, { code: 'data_refused' });
        assert.equal(tables.letters.size, 0);
      }),
      { numRuns: 500 },
    );
  });
});

test('the halves of a batch are the batch: earlier offsets first, neither empty, none larger than half and one', () => {
  fc.assert(
    fc.property(
      layout.filter(({ kinds }) => kinds.length > 1),
      (given) => {
        const { batch, offsets } = batchOf(given);
        const offsetsOf = (part: StoreBatch) =>
          [...part.events, ...part.deadLetters].map(({ record }) => record.offset).sort((a, b) => (a < b ? -1 : 1));
        const [first, second] = halves(batch);
        assert.deepEqual([...offsetsOf(first), ...offsetsOf(second)], offsets);
        for (const half of [first, second]) {
          assert.ok(offsetsOf(half).length >= 1 && offsetsOf(half).length <= Math.ceil(offsets.length / 2));
          assert.deepEqual([half.logId, half.logPartition], [batch.logId, batch.logPartition]);
        }
      },
    ),
  );
});

test('results add up, whatever their order', () => {
  const result = fc.record(
    {
      stored: fc.nat(1000),
      duplicates: fc.nat(1000),
      redelivered: fc.nat(1000),
      deadLetters: fc
        .uniqueArray(fc.constantFrom('invalid', 'conflict', 'expired'), { maxLength: 3 })
        .chain((reasons) => fc.tuple(...reasons.map((reason) => fc.tuple(fc.constant(reason), fc.nat(9)))))
        .map((pairs) => new Map(pairs)),
    },
    { noNullPrototype: true },
  ) as fc.Arbitrary<StoreResult>;
  const total = ({ stored, duplicates, redelivered, deadLetters }: StoreResult) =>
    stored + duplicates + redelivered + [...deadLetters.values()].reduce((a, b) => a + b, 0);
  fc.assert(
    fc.property(result, result, (a, b) => {
      assert.equal(total(addResults(a, b)), total(a) + total(b));
      assert.deepEqual(addResults(a, b), addResults(b, a));
      assert.deepEqual(addResults(a, NOTHING_STORED), a);
    }),
  );
});
