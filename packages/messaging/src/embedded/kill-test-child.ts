/**
 * The process that embedded-kill.int.test.ts kills: appends and reads the log in its folder for ever, and says what it
 * knows, one line each: `confirmed <value>` after an append resolved, `finished <value>` before the commit that claims it.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { createLogger } from '@kero/runtime';
import { openEmbedded } from './open-embedded.ts';
import { embeddedConfig, GENEROUS, record } from './test-support.ts';

const [directory = '', round = ''] = process.argv.slice(2);
const logger = createLogger({ name: 'child', level: 'error', format: 'json', destination: process.stderr });
const log = await openEmbedded(embeddedConfig(directory), { logger });
const producer = await log.producer();
const consumer = await log.consumer('g');
/** At once, so that nothing that was said is lost with the process. */
const say = (lines: readonly string[]) => writeSync(1, lines.map((line) => `${line}\n`).join(''));

async function append(writer: number): Promise<void> {
  for (let n = 0; ; n++) {
    const values = Array.from({ length: (n % 7) + 1 }, (_, part) => `${round}.${writer}.${n}.${part}`);
    await producer.append(
      values.map((value) => record(`user-${writer}-${n % 5}`, value.padEnd(200 + ((n * 37) % 2000)))),
      GENEROUS,
    );
    say(values.map((value) => `confirmed ${value}`));
  }
}

async function read(): Promise<void> {
  const { signal } = new AbortController();
  for await (const batch of consumer.read({ stop: signal, maxRecords: 50, maxBytes: 1 << 20 })) {
    say(batch.records.map(({ value }) => `finished ${String(value).trim()}`));
    batch.commit();
  }
}

await Promise.all([read(), ...Array.from({ length: 16 }, (_, writer) => append(writer))]);
