import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { faultsOf } from './nemesis/all-faults.ts';
import { Random } from './random.ts';
import { makeSchedule } from './schedule.ts';

for (const system of ['embedded', 'kafka'] as const) {
  describe(`a schedule of faults on ${system}`, () => {
    const kinds = faultsOf(system);
    const schedule = makeSchedule(new Random('7'), kinds, 600);

    test('is the same for the same seed, and another for another', () => {
      assert.deepEqual(makeSchedule(new Random('7'), kinds, 600), schedule);
      assert.notDeepEqual(makeSchedule(new Random('8'), kinds, 600), schedule);
    });

    test('has every kind of fault before any comes a third time', () => {
      const times = new Map<string, number>(kinds.map(({ name }) => [name, 0]));
      for (const { name } of schedule) times.set(name, (times.get(name) ?? 0) + 1);
      times.delete('garbage');
      assert.ok(Math.min(...times.values()) >= 1, JSON.stringify([...times]));
      assert.ok(Math.max(...times.values()) - Math.min(...times.values()) <= 2, JSON.stringify([...times]));
    });

    test('has at most two at a time, on different parts, and heals all of them within the run', () => {
      const touches = (name: string) => kinds.find((kind) => kind.name === name)?.touches ?? [];
      for (const fault of schedule) {
        assert.ok(fault.from < fault.until && fault.until <= 600);
        const others = schedule.filter(
          (other) => other !== fault && other.from <= fault.from && other.until > fault.from,
        );
        assert.ok(others.length <= 1, `${fault.name} begins during ${others.map(({ name }) => name)}`);
        const shared = others.flatMap(({ name }) => touches(name).filter((part) => touches(fault.name).includes(part)));
        assert.deepEqual(shared, []);
      }
    });
  });
}
