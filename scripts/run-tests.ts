/**
 * Runs the tests of the given kinds (unit, int, e2e) with Node's own runner and ends with `N passed, N failed, N skipped`.
 * The kind stands in the file name and says what a test costs: unit = no server, int = one real server, e2e = everything.
 * Exits 1 when a test failed or none ran; with CI=true also when one was skipped, because in CI nothing is optional.
 */
import { globSync } from 'node:fs';
import process from 'node:process';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const KINDS = ['unit', 'int', 'e2e'];
/** Without a word for so long, a test file hangs: tests take 2 minutes at most, and the longest time-out of one is 10. */
const SILENCE_MS = 15 * 60_000;
const kinds = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const unknown = kinds.filter((kind) => !KINDS.includes(kind));
if (kinds.length === 0 || unknown.length > 0) {
  console.error(`usage: run-tests.ts KIND...   where KIND is one of ${KINDS.join(', ')}`);
  process.exit(2);
}
const total = { passed: 0, failed: 0, skipped: 0 };
const skippedNames: string[] = [];
for (const kind of kinds) await runKind(kind);

for (const name of skippedNames) console.log(`SKIPPED: ${name}`);
const skippedInCi = process.env.CI === 'true' && total.skipped > 0;
if (skippedInCi) console.log('A skipped test is a failure when CI=true: install what the message names.');
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exit(total.failed > 0 || total.passed === 0 || skippedInCi ? 1 : 0);

async function runKind(kind: string): Promise<void> {
  const files = globSync([
    `packages/*/src/**/*.${kind}.test.ts`,
    `apps/*/src/**/*.${kind}.test.ts`,
    `test/**/*.${kind}.test.ts`,
    `prove/**/*.${kind}.test.ts`,
    `bench/**/*.${kind}.test.ts`,
  ]);
  if (files.length === 0) return;
  console.log(`\n${kind}: ${files.length} files`);
  const silence = watchSilence(SILENCE_MS);
  // Real servers share the machine: files that start them run one after the other.
  const stream = run({ files: files.sort(), concurrency: kind === 'unit', timeout: 300_000, signal: silence.signal });
  const words = ['test:dequeue', 'test:start', 'test:pass', 'test:fail', 'test:stdout', 'test:stderr'] as const;
  for (const name of words) {
    stream.on(name, (event: { file?: string }) => silence.heard(event.file));
  }
  stream.on('test:pass', (event) => {
    if (event.details.type === 'suite') return;
    if (event.skip === undefined) total.passed++;
    else {
      total.skipped++;
      skippedNames.push(`${event.name}${typeof event.skip === 'string' ? ` (${event.skip})` : ''}`);
    }
  });
  stream.on('test:fail', (event) => {
    if (event.details.type !== 'suite') total.failed++;
  });
  stream.compose(spec).pipe(process.stdout, { end: false });
  await new Promise((resolve) => stream.on('end', resolve));
  silence.stop();
}

/** A file that does not end (it left something open) would hold up the run for ever: the time-out of tests ends no file. */
function watchSilence(limitMs: number): { signal: AbortSignal; heard(file?: string): void; stop(): void } {
  const over = new AbortController();
  let last = 'none';
  const timer = setTimeout(() => {
    const what = `no word for ${limitMs / 60_000} minutes, the last one came from ${last}`;
    over.abort(new Error(`${what}: it is ended, with all that are left`));
  }, limitMs);
  return {
    signal: over.signal,
    heard: (file = last) => {
      last = file;
      timer.refresh();
    },
    stop: () => clearTimeout(timer),
  };
}
