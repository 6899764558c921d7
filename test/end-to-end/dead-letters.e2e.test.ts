import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { EmbeddedKero } from '../support/embedded-kero.ts';
import { startKero, throwawayFolder } from '../support/kero-process.ts';
import { eventBody, post } from '../support/post-events.ts';
import { waitUntil } from '../support/wait-until.ts';

const REFUSE_EVIL = "alter table events add constraint no_evil check (event_type <> 'evil')";
const TAKE_EVIL = 'alter table events drop constraint no_evil';

/** A running `kero start` that holds so many letters of events that PostgreSQL refused. */
async function withRefused(t: TestContext, count: number): Promise<EmbeddedKero> {
  const kero = new EmbeddedKero(t, throwawayFolder(t));
  await kero.start();
  await kero.sql(REFUSE_EVIL);
  for (let n = 1; n <= count; n++)
    await accept(kero, eventBody(`evil-${n}`, { event_type: 'evil', event_data: { n } }));
  await waitUntil(async () => (await kero.count('dead_letters')) === count);
  return kero;
}

async function accept(kero: EmbeddedKero, body: string): Promise<void> {
  assert.equal((await post(kero.url, body)).status, 202);
}

/** Runs a command that must end with the exit code, and gives what it printed. */
async function run(kero: EmbeddedKero, code: number, ...args: string[]): Promise<string> {
  const ended = await kero.run(...args);
  assert.equal(ended.code, code, ended.output);
  return ended.output;
}

describe('kero dead-letters, on a running kero start', { timeout: 240_000 }, () => {
  test('letters are listed and shown; replayed after the cause is gone, they become rows', async (t) => {
    const kero = await withRefused(t, 3);
    await accept(kero, eventBody('twice', { event_data: { item_id: '1', price: 1 } }));
    await accept(kero, eventBody('twice', { event_data: { item_id: '1', price: 2 } }));
    await waitUntil(async () => (await kero.count('dead_letters')) === 4);

    const list = await run(kero, 0, 'dead-letters', 'list');
    assert.match(list, /^open +refused_by_database +3 /m);
    assert.match(list, /^open +conflict +1 /m);
    assert.match(list, /^ +4 .* open +conflict +purchase /m);
    assert.doesNotMatch(await run(kero, 0, 'dead-letters', 'list', '--type', 'evil,nothing'), /conflict/);
    assert.match(await run(kero, 0, 'dead-letters', 'list', '--until', '1h'), /no dead letters that match/);
    const shown = await run(kero, 0, 'dead-letters', 'show', '4');
    assert.match(shown, /"price":2/);
    assert.match(shown, /an event with this id is stored/);
    assert.match(await run(kero, 1, 'dead-letters', 'show', '99'), /no dead letter 99/);
    assert.match(await run(kero, 2, 'dead-letters', 'list', '--since', 'yesterday'), /RFC 3339|how long ago/);

    await kero.sql(TAKE_EVIL);
    const dry = await run(kero, 0, 'dead-letters', 'replay', '--dry-run');
    assert.match(dry, /4 letters match:[\s\S]* 3 {2}would become rows[\s\S]* 1 {2}would fail again: conflict/);
    assert.match(dry, /nothing was sent/);
    assert.equal(await kero.count("dead_letters where status = 'open'"), 4);

    assert.match(await run(kero, 0, 'dead-letters', 'replay', '--type', 'evil', '--limit', '2'), /Replayed 2 of 2/);
    await waitUntil(async () => (await kero.count("events where event_type = 'evil'")) === 2);
    assert.match(await run(kero, 0, 'dead-letters', 'replay', '--type', 'evil'), /Replayed 1 of 1/);
    await waitUntil(async () => (await kero.count("events where event_type = 'evil'")) === 3);
    assert.deepEqual(await kero.sql('select dead_letter_id, status from dead_letters order by 1'), [
      ['1', 'replayed'],
      ['2', 'replayed'],
      ['3', 'replayed'],
      ['4', 'open'],
    ]);
    const again = await run(kero, 1, 'dead-letters', 'replay', '--id', '1');
    assert.match(again, /with another --status there are: 1 replayed/);
    await run(kero, 0, 'dead-letters', 'replay', '--id', '1', '--status', 'replayed');
    await kero.drained();
    assert.equal(await kero.count('events'), 4, 'a replay of what is stored doubles nothing');
    assert.deepEqual(await kero.sql(`select action, outcome, detail->>'replayed' from audit_log order by audit_id`), [
      ['dead_letters_replay', 'done', '2'],
      ['dead_letters_replay', 'done', '1'],
      ['dead_letters_replay', 'done', '1'],
    ]);
  });

  test('what fails again is a new letter that is linked to the old one', async (t) => {
    const kero = await withRefused(t, 1);
    assert.match(await run(kero, 0, 'dead-letters', 'replay'), /Replayed 1 of 1/);
    await waitUntil(async () => (await kero.count('dead_letters')) === 2);
    assert.match(await run(kero, 0, 'dead-letters', 'replay'), /Replayed 1 of 1/, 'only the new one is open');
    await waitUntil(async () => (await kero.count('dead_letters')) === 3);
    assert.deepEqual(await kero.sql('select dead_letter_id, status, replay_of, reason from dead_letters order by 1'), [
      ['1', 'replayed', null, 'refused_by_database'],
      ['2', 'replayed', '1', 'refused_by_database'],
      ['3', 'open', '2', 'refused_by_database'],
    ]);
    const headers = `select count(*) from dead_letters, jsonb_array_elements(record_headers) h
      where h->>0 = 'kero-replay-of' and dead_letter_id = 3 and h->>1 = '2'`;
    assert.deepEqual(await kero.sql(headers), [['1']], 'and names only the last one');
    const shown = await run(kero, 0, 'dead-letters', 'show', '2');
    assert.match(shown, /replay of +letter 1 /);
    assert.match(shown, /became +letter 3 \(refused_by_database, open\)/);
  });

  test('killed between the append and the status: the letter stays open, and the next replay doubles nothing', async (t) => {
    const kero = await withRefused(t, 1);
    await kero.sql(TAKE_EVIL);
    await kero.sql(`create function no_space() returns trigger language plpgsql as
      $$ begin raise exception 'no space' using errcode = 'disk_full'; end $$;
      create trigger no_space before update on dead_letters for each row execute function no_space()`);
    const replay = startKero(t, ['dead-letters', 'replay'], kero.environment);
    await waitUntil(async () => (await kero.count('events')) === 1);
    await replay.stop('SIGKILL');
    assert.deepEqual(await kero.sql('select status from dead_letters'), [['open']]);
    assert.deepEqual(await kero.sql('select ended_at is null from audit_log'), [['t']], 'and its action has no end');
    await kero.sql('drop trigger no_space on dead_letters');

    assert.match(await run(kero, 0, 'dead-letters', 'replay', '--dry-run'), /1 {2}would be counted as repeats/);
    await run(kero, 0, 'dead-letters', 'replay');
    await kero.drained();
    assert.deepEqual(await kero.sql('select status from dead_letters'), [['replayed']]);
    assert.equal(await kero.count('events'), 1);
    const { stored, duplicates, deadLetters } = await kero.stop();
    assert.deepEqual([stored, duplicates, deadLetters], [1, 1, { refused_by_database: 1 }]);
  });

  test('a tombstone is refused, discarding asks, a rate is kept, Ctrl-C stops politely, and nothing has to run for a replay', async (t) => {
    const kero = await withRefused(t, 13);
    await kero.sql('update dead_letters set payload = null where dead_letter_id = 13');
    const tombstone = await run(kero, 1, 'dead-letters', 'replay', '--id', '13');
    assert.match(tombstone, /cannot be replayed[\s\S]*letter 13: a tombstone[\s\S]*Nothing was sent/);

    assert.match(await run(kero, 1, 'dead-letters', 'discard', '--id', '13'), /Discard 1 letter.*\?[\s\S]*--yes/);
    assert.equal(await kero.count("dead_letters where status = 'discarded'"), 0);
    await run(kero, 0, 'dead-letters', 'discard', '--id', '13', '--yes', '--note', "it's empty");
    assert.deepEqual(await kero.sql("select dead_letter_id, note from dead_letters where status = 'discarded'"), [
      ['13', "it's empty"],
    ]);

    await kero.sql(TAKE_EVIL);
    await run(kero, 0, 'dead-letters', 'replay', '--limit', '8', '--rate', '8');
    const [[took]] = (await kero.sql(`select extract(epoch from ended_at - begun_at) from audit_log
      where action = 'dead_letters_replay'`)) as [[string]];
    assert.ok(Number(took) >= 0.8, `8 letters at 8 a second took ${took} s`);
    await waitUntil(async () => (await kero.count('events')) === 8);

    const interrupted = startKero(t, ['dead-letters', 'replay', '--rate', '1'], kero.environment);
    await waitUntil(async () => (await kero.count('events')) === 9);
    const ended = await interrupted.stop('SIGINT');
    assert.equal(ended.code, 1, ended.output);
    assert.match(ended.output, /Replayed \d of 4[\s\S]*Stopped early: it was told to stop/);
    const [[outcome]] = (await kero.sql('select outcome from audit_log order by audit_id desc limit 1')) as [[string]];
    assert.match(outcome, /^stopped/);
    const [left] = await kero.sql("select count(*) from dead_letters where status = 'open'");
    assert.ok(Number(left?.[0]) >= 1, 'the others are as they were');

    await kero.stop();
    await run(kero, 0, 'dead-letters', 'replay');
    await kero.start();
    await waitUntil(async () => (await kero.count('events')) === 12);
    assert.deepEqual(await kero.sql('select status, count(*) from dead_letters group by 1 order by 1'), [
      ['discarded', '1'],
      ['replayed', '12'],
    ]);
  });
});

describe('kero offsets, on the embedded log', { timeout: 120_000 }, () => {
  test('shows where the processor stands while it runs; a gap is skipped when it is stopped, and written down', async (t) => {
    const folder = throwawayFolder(t);
    const kero = new EmbeddedKero(t, folder);
    await kero.start();
    for (let n = 0; n < 4; n++) await accept(kero, eventBody(`event-${n}`, { user_id: 'one' }));
    await kero.drained();
    const shown = await run(kero, 0, 'offsets', 'show');
    const [, partition] = /^ +(\d+) +0 +4 +4 +0 +ok$/m.exec(shown) ?? assert.fail(shown);
    assert.match(shown, /\(0 records to go\)/);
    const noGap = await run(kero, 1, 'offsets', 'skip-gap', '--partition', String(partition), '--yes');
    assert.match(noGap, /there is no gap/);
    assert.equal(await kero.count('audit_log'), 0);
    await kero.stop();

    const log = new DatabaseSync(join(folder, 'messaging', 'log.sqlite'));
    log.exec(`UPDATE committed_offsets SET next_offset = 1 WHERE partition = ${partition};
      DELETE FROM appends WHERE base_${partition} < 3`);
    log.close();
    assert.match(await run(kero, 0, 'offsets', 'show'), /RECORDS GONE: 1 to 2 [\s\S]*1 partition stands still/);
    const unasked = await run(kero, 1, 'offsets', 'skip-gap', '--partition', String(partition));
    assert.match(unasked, /offsets 1 to 2 \(2\)\?[\s\S]*--yes/);
    assert.match(await run(kero, 0, 'offsets', 'show'), /RECORDS GONE/);
    const skipped = await run(kero, 0, 'offsets', 'skip-gap', '--partition', String(partition), '--yes');
    assert.match(skipped, /goes on at offset 3; 2 offsets were given up/);
    await kero.start();
    await kero.drained();
    const audit = `select action, outcome, detail->>'partition', detail->>'from', detail->>'to', actor like '%@%' from audit_log`;
    assert.deepEqual(await kero.sql(audit), [['offsets_skip_gap', 'done', partition, '1', '3', 't']]);
    assert.equal(await kero.count('events'), 4);
  });
});
