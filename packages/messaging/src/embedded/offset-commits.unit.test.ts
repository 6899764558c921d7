import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { OffsetCommit } from './log-writer-protocol.ts';
import { OffsetCommits } from './offset-commits.ts';

type Step =
  | { readonly do: 'finish'; readonly group: number; readonly partition: number; readonly records: number }
  | { readonly do: 'write' }
  | { readonly do: 'answer'; readonly ok: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('finish' as const),
    group: fc.nat(1),
    partition: fc.nat(2),
    records: fc.integer({ min: 1, max: 9 }),
  }),
  fc.constant({ do: 'write' as const }),
  fc.record({ do: fc.constant('answer' as const), ok: fc.boolean() }),
);

test('writes that fail, late answers, new commits between them: the file never goes back and ends at the newest', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      const commits = new OffsetCommits();
      const newest = new Map<string, number>();
      const file = new Map<string, number>();
      const keyOf = ({ groupId, partition }: OffsetCommit) => `${groupId} ${partition}`;
      let out: OffsetCommit[] = [];
      const answer = (ok: boolean) => {
        if (!ok) commits.putBack(out);
        for (const commit of ok ? out : []) {
          assert.ok(commit.nextOffset >= (file.get(keyOf(commit)) ?? 0), 'an offset is never taken back');
          file.set(keyOf(commit), commit.nextOffset);
        }
        out = [];
      };
      for (const it of steps) {
        if (it.do === 'finish') {
          const commit = { groupId: `group-${it.group}`, partition: it.partition, nextOffset: it.records };
          commit.nextOffset += newest.get(keyOf(commit)) ?? 0;
          newest.set(keyOf(commit), commit.nextOffset);
          commits.add(commit);
        } else if (it.do === 'answer') answer(it.ok);
        else if (out.length === 0) out = commits.take();
        for (const partition of [0, 1, 2]) {
          const offsets = [...newest].filter(([key]) => key.endsWith(` ${partition}`)).map(([, offset]) => offset);
          assert.equal(commits.lowest(partition), Math.min(...offsets), 'nothing above it may be trimmed');
        }
      }
      answer(false);
      out = commits.take();
      assert.equal(commits.hasDirty, false);
      answer(true);
      assert.deepEqual(file, newest);
      assert.deepEqual(
        commits.groups().sort(),
        [...new Set([...newest.keys()].map((key) => key.split(' ')[0]))].sort(),
      );
    }),
    { numRuns: 1000 },
  );
});
