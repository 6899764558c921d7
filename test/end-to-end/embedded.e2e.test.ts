import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import process from 'node:process';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { type KeroProcess, runKero, startKero, throwawayFolder } from '../support/kero-process.ts';
import { eventBody, post, postUntil } from '../support/post-events.ts';
import { waitUntil } from '../support/wait-until.ts';

const run = promisify(execFile);

interface Started {
  readonly kero: KeroProcess;
  readonly url: string;
  /** For further commands on the same data. */
  readonly environment: Record<string, string>;
}

/** `kero start` with nothing but a data folder and free ports: everything embedded. */
async function startEmbedded(t: TestContext, dataDirectory: string): Promise<Started> {
  const environment = { KERO_DATA_DIR: dataDirectory, RECEIVER_PORT: '0', ADMIN_PORT: '0' };
  const kero = startKero(t, ['start'], environment);
  const [, url] = await kero.printed(/receiver +(http:\S+)/);
  return { kero, url: url ?? '', environment };
}

/** One value of the database, asked through `kero sql` as a user would. */
async function sqlValue(t: TestContext, environment: Record<string, string>, sql: string): Promise<string> {
  const { code, output } = await runKero(t, ['sql', sql], environment);
  assert.equal(code, 0, output);
  return output.split('\n')[2]?.trim() ?? '';
}

async function storedIds(t: TestContext, environment: Record<string, string>, prefix: string): Promise<string[]> {
  const { output } = await runKero(
    t,
    ['sql', `select event_id from events where event_id like '${prefix}-%'`],
    environment,
  );
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith(prefix));
}

describe('kero start, everything embedded', { timeout: 240_000 }, () => {
  test('the printed curl line sends an event, the printed psql line and kero sql show its row', async (t) => {
    const { kero, environment } = await startEmbedded(t, throwawayFolder(t));
    const text = kero.output();
    assert.match(text, /messaging {2}embedded/i);
    assert.match(text, /database {3}.*PostgreSQL 18/);
    const [curl] = /^ {2}curl .*$/m.exec(text) ?? assert.fail('no curl line');
    const answer = await run('sh', ['-c', curl]);
    assert.match(answer.stdout, /^HTTP\/1\.1 202 /);
    const id = /"id":"([0-9a-f-]{36})"/.exec(answer.stdout)?.[1];

    const [psql] = /^ {2}PGPASSFILE.*$/m.exec(text) ?? assert.fail('no psql line');
    const rows = await waitUntil(async () => {
      const { stdout } = await run('sh', ['-c', psql], {
        env: { PATH: process.env.PATH, PGOPTIONS: '', PAGER: 'cat' },
      });
      return stdout.includes(String(id)) && stdout;
    });
    assert.match(rows, /"price": 19\.90/);
    const [npx] = /npx kero sql "(.*)"/.exec(text) ?? assert.fail('no kero sql line');
    assert.ok(npx);
    const { output } = await runKero(t, ['sql', 'select * from events order by stored_at desc limit 5'], environment);
    assert.ok(output.includes(String(id)) && output.includes('19.90'), output);
  });

  test('the same event ten times is one row, and refused events are nowhere', async (t) => {
    const { kero, url, environment } = await startEmbedded(t, throwawayFolder(t));
    const ids = new Set<unknown>();
    for (let n = 0; n < 10; n++) {
      const response = await post(url, eventBody('ten-times'));
      assert.equal(response.status, 202);
      ids.add(((await response.json()) as { id: string }).id);
    }
    assert.equal(ids.size, 1);
    for (const body of ['', '{', eventBody('bad').replace('"purchase"', 'null'), eventBody('bad', { extra: 1 })]) {
      assert.ok([400, 422].includes((await post(url, body)).status));
    }
    await kero.stop('SIGINT');
    const again = await startEmbedded(t, environment.KERO_DATA_DIR ?? '');
    await waitUntil(async () => (await sqlValue(t, again.environment, 'select count(*) from events')) === '1');
    assert.equal(await sqlValue(t, again.environment, 'select count(*) from dead_letters'), '0');
  });

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    test(`${signal} in the middle of load, start again: nothing accepted is missing, nothing twice`, async (t) => {
      const folder = throwawayFolder(t);
      const first = await startEmbedded(t, folder);
      let stopped = false;
      const posting = postUntil(first.url, 'load', () => stopped);
      await waitUntil(async () => Number(await sqlValue(t, first.environment, 'select count(*) from events')) > 200);
      const ended = await first.kero.stop(signal);
      stopped = true;
      if (signal === 'SIGINT') assert.equal(ended.code, 0, ended.output);
      const ledger = await posting;
      const accepted = ledger.filter(({ outcome }) => outcome === 'ok').map(({ eventId }) => eventId);

      const second = await startEmbedded(t, folder);
      await post(second.url, eventBody('after-the-restart'));
      const stored = await waitUntil(async () => {
        const ids = await storedIds(t, second.environment, 'load');
        return accepted.every((id) => ids.includes(id)) && ids;
      });
      assert.equal(new Set(stored).size, stored.length, 'no event is stored twice');
      const unknown = new Set(ledger.filter(({ outcome }) => outcome !== 'ok').map(({ eventId }) => eventId));
      const invented = stored.filter((id) => !accepted.includes(id) && !unknown.has(id));
      assert.deepEqual(invented, []);
      assert.equal(await sqlValue(t, second.environment, 'select count(*) from dead_letters'), '0');
    });
  }

  test('a second start on the same folder is refused and names the first', async (t) => {
    const { kero, environment } = await startEmbedded(t, throwawayFolder(t));
    const second = await runKero(t, ['start'], environment);
    assert.equal(second.code, 1);
    assert.ok(second.output.includes(`in use by process ${kero.child.pid}`), second.output);
  });

  test('an event that the log holds is not left behind: starting with Kafka is refused while it is unstored', async (t) => {
    const folder = throwawayFolder(t);
    const { kero, url, environment } = await startEmbedded(t, folder);
    // Without its table nothing can be stored, so the event waits in the log.
    await runKero(t, ['sql', 'alter table events rename to events_gone'], environment);
    assert.equal((await post(url, eventBody('waits'))).status, 202);
    await kero.printed(/partition paused/);
    await kero.stop();
    const withKafka = await runKero(t, ['start'], { ...environment, KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:1' });
    assert.equal(withKafka.code, 1);
    assert.match(withKafka.output, /embedded log .*still holds 1 /);
    assert.match(withKafka.output, /without KAFKA_BOOTSTRAP_SERVERS/);
  });
});
