import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { check } from './check.ts';
import type { EventRow } from './evidence.ts';
import { bodyOf, SmallRun } from './evidence-for-tests.ts';

/** The invariants that a run breaks. A checker that was never seen to fail proves nothing. */
function broken(run: SmallRun): string[] {
  return check(run.evidence())
    .filter(({ violations }) => violations.length > 0)
    .map(({ invariant }) => invariant);
}

function whyOf(run: SmallRun, invariant: string): string {
  return check(run.evidence())
    .filter((verdict) => verdict.invariant === invariant)
    .flatMap(({ violations }) => violations.map(({ what }) => what))
    .join('\n');
}

/** Accepted events, one refused, one unknown that arrived and one that did not, a repeat, a conflict and garbage. */
function healthyRun(): SmallRun {
  const run = new SmallRun();
  for (const marker of ['a', 'b', 'c']) run.accept(marker);
  run.send('p1-1-refused', { class: 'invalid', outcome: 'no' });
  const unknown = run.send('arrived', { outcome: 'unknown' });
  run.store(unknown, run.append(unknown));
  run.send('did not arrive', { outcome: 'unknown' });
  const { content } = run.accept('repeated');
  run.append(content);
  const original = run.accept('original');
  const conflict = run.send('original', { class: 'conflict', body: bodyOf('original', '20') });
  run.bury(run.append(conflict), { reason: 'conflict', id: original.row.id });
  const garbage = run.send('garbage', { class: 'garbage', outcome: 'unknown', body: 'not json' });
  run.bury(run.append(garbage));
  return run;
}

function changed(run: SmallRun, index: number, changes: Partial<EventRow>): void {
  run.events[index] = { ...(run.events[index] as EventRow), ...changes };
}

describe('the checker', () => {
  test('finds nothing wrong with a healthy run', () => {
    assert.deepEqual(
      check(healthyRun().evidence()).flatMap(({ violations }) => violations),
      [],
    );
  });

  test('I1: an accepted event that is in no table is lost, after the log', () => {
    const run = healthyRun();
    run.events.splice(1, 1);
    assert.deepEqual(broken(run), ['I1', 'I7']);
    assert.match(whyOf(run, 'I1'), /lost after the log/);
  });

  test('I1: an accepted event that is not in the log is lost before it', () => {
    const run = healthyRun();
    run.send('answered too early');
    assert.deepEqual(broken(run), ['I1']);
    assert.match(whyOf(run, 'I1'), /lost before the log/);
  });

  test('I2: two rows with one id', () => {
    const run = healthyRun();
    run.events.push({ ...(run.events[0] as EventRow) });
    assert.deepEqual(broken(run), ['I2']);
  });

  test('I2: a row that is a dead letter as well', () => {
    const run = new SmallRun();
    const { record, row } = run.accept('both');
    run.bury(record, { id: row.id, reason: 'refused_by_database' });
    assert.deepEqual(broken(run), ['I2', 'DL']);
  });

  test('I2: two dead letters for one record', () => {
    const run = healthyRun();
    run.deadLetters.push({ ...(run.deadLetters[1] as (typeof run.deadLetters)[0]) });
    assert.deepEqual(broken(run), ['I2']);
  });

  test('I3: a row that nobody sent', () => {
    const run = healthyRun();
    changed(run, 0, { id: '00000000-0000-8000-8000-000000000000' });
    assert.ok(broken(run).includes('I3'));
    assert.match(whyOf(run, 'I3'), /a row that nobody sent/);
  });

  for (const [what, changes] of Object.entries({
    'a number with a digit less': { eventData: '{"item_id": "42", "price": 19.9}' },
    'another user': { userId: 'user-2' },
    'a microsecond more': { micros: '1759831200000001' },
    'another source': { source: 'shop' },
    'no event_id': { eventId: null },
  } satisfies Record<string, Partial<EventRow>>)) {
    test(`I3: a row with ${what}`, () => {
      const run = healthyRun();
      changed(run, 0, changes);
      assert.ok(broken(run).includes('I3'));
      assert.match(whyOf(run, 'I3'), /the row is not what was sent/);
    });
  }

  test('I3: a row that names the position of another record', () => {
    const run = healthyRun();
    changed(run, 0, { offset: 1 });
    assert.ok(broken(run).includes('I3'));
  });

  test('I3: a record of the log that differs by one byte from what was sent', () => {
    const run = healthyRun();
    const first = run.log[0];
    assert.ok(first);
    run.log[0] = { ...first, value: `${first.value} ` };
    assert.ok(broken(run).includes('I3'));
  });

  test('I3: an id in the answer or in the header that the event does not have', () => {
    const run = healthyRun();
    const first = run.log[0];
    assert.ok(first);
    run.log[0] = { ...first, headers: [['kero-id', 'another']] };
    assert.deepEqual(broken(run), ['I3']);
  });

  test('I4: an invalid event that was accepted, or is anywhere', () => {
    const accepted = new SmallRun();
    accepted.send('p1-1-refused', { class: 'invalid', outcome: 'ok' });
    assert.deepEqual(broken(accepted), ['I4']);

    const inTheLog = new SmallRun();
    const refused = inTheLog.send('p1-1-refused', { class: 'invalid', outcome: 'no' });
    inTheLog.bury(inTheLog.append(refused));
    assert.ok(broken(inTheLog).includes('I4'));
    assert.match(whyOf(inTheLog, 'I4'), /refused, but in the log/);
  });

  test('I4: a valid event that was refused', () => {
    const run = healthyRun();
    run.send('refused', { outcome: 'no' });
    assert.deepEqual(broken(run), ['I4']);
  });

  test('I5: two events of one user in the wrong order; a late repeat of the first is none', () => {
    const run = new SmallRun();
    const { content } = run.accept('first', { seq: 0 });
    run.accept('second', { seq: 1 });
    run.append(content);
    assert.deepEqual(broken(run), []);

    const swapped = new SmallRun();
    const earlier = swapped.send('first', { seq: 0 });
    swapped.accept('second', { seq: 1 });
    swapped.store(earlier, swapped.append(earlier));
    assert.deepEqual(broken(swapped), ['I5']);
  });

  test('I5: one user in two partitions', () => {
    const run = new SmallRun();
    run.accept('first');
    const second = run.send('second');
    run.store(second, run.append(second, 1));
    assert.ok(broken(run).includes('I5'));
  });

  test('I5: of two contents with one identity the later one is the row', () => {
    const run = new SmallRun();
    const first = run.send('one');
    const second = run.send('one', { class: 'conflict', body: bodyOf('one', '20') });
    const [firstRecord, secondRecord] = [run.append(first), run.append(second)];
    const row = run.store(second, secondRecord);
    run.bury(firstRecord, { reason: 'conflict', id: row.id });
    assert.deepEqual(broken(run), ['I5']);
  });

  test('I6: not drained, events left unknown, an offset left behind', () => {
    const slow = healthyRun();
    slow.draining = { ...slow.draining, drainedS: undefined };
    assert.deepEqual(broken(slow), ['I6']);
    const open = healthyRun();
    open.draining = { ...open.draining, unknownsSettledS: undefined };
    assert.deepEqual(broken(open), ['I6']);
    const behind = healthyRun();
    behind.draining = { ...behind.draining, progress: [{ partition: 0, committed: 3, end: 4 }] };
    assert.deepEqual(broken(behind), ['I6']);
  });

  test('I7: an offset that was committed before the row below it was stored', () => {
    const run = healthyRun();
    changed(run, 2, { storedAt: 1_000_100 });
    assert.deepEqual(broken(run), ['I7']);
    assert.match(whyOf(run, 'I7'), /record 2 below it is stored 90 ms after the commit/);
  });

  test('I7: a commit beyond a record that came into no table, although nobody was promised it', () => {
    const run = healthyRun();
    const unknown = run.send('skipped', { outcome: 'unknown' });
    run.append(unknown);
    assert.deepEqual(broken(run), ['I7']);
  });

  test('I8: a probe that is not stored, a process that is not ready, grows, hangs, logs a bug or restarts for ever', () => {
    const [healthy] = new SmallRun().processes;
    assert.ok(healthy);
    const exit = (at: number) => ({ at, code: 1, signal: null, wanted: false });
    for (const damage of [
      (run: SmallRun) => {
        run.draining = { ...run.draining, probeStoredS: undefined };
      },
      (run: SmallRun) => {
        run.draining = { ...run.draining, readyS: undefined };
      },
      (run: SmallRun) => run.processes.push({ ...healthy, peakBytes: 600 * 1024 ** 2 }),
      (run: SmallRun) => run.processes.push({ ...healthy, slowStops: [5000] }),
      (run: SmallRun) => run.processes.push({ ...healthy, alarms: ['unexpected error: this is a bug in Kero'] }),
      (run: SmallRun) => run.processes.push({ ...healthy, exits: [1, 2, 3, 4].map((n) => exit(n * 1000)) }),
    ]) {
      const run = healthyRun();
      damage(run);
      assert.deepEqual(broken(run), ['I8']);
    }
    const now = healthyRun();
    now.processes.push({ ...healthy, exits: [1, 2, 3].map((n) => exit(n * 1000)) });
    assert.deepEqual(broken(now), [], 'a few restarts are what supervisors are for');
  });

  test('DL: a good event that an outage made a dead letter', () => {
    const run = new SmallRun();
    const content = run.send('good');
    run.bury(run.append(content), { reason: 'refused_by_database' });
    assert.deepEqual(broken(run), ['DL']);
  });

  test('DL: garbage or a conflict without a dead letter, and a letter with other bytes', () => {
    for (const index of [0, 1]) {
      const run = healthyRun();
      run.deadLetters.splice(index, 1);
      assert.ok(broken(run).includes('DL'), `without dead letter ${index}`);
    }
    const run = healthyRun();
    const letter = run.deadLetters[1];
    assert.ok(letter);
    run.deadLetters[1] = { ...letter, payload: 'not JSON' };
    assert.deepEqual(broken(run), ['DL']);
  });
});
