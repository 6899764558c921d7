import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { confirm } from './confirm.ts';
import { type CommandProcess, CommandRefused } from './run-command.ts';

/** A process with a person at its terminal. */
function atTerminal({ isTTY = true } = {}) {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  const asked: string[] = [];
  const stderr = { write: (text: string) => asked.push(text) };
  const process = { stdin, stderr } as unknown as CommandProcess;
  const stop = new AbortController();
  const ask = (yes = false) => confirm('Discard 3 letters?', { process, yes, stop: stop.signal });
  return { stdin, stop, ask, asked: () => asked.join('') };
}

for (const answer of ['y', 'Y', 'yes', ' yes ']) {
  test(`"${answer}" is a yes`, async () => {
    const { ask, stdin, asked } = atTerminal();
    const confirmed = ask();
    stdin.write(`${answer}\n`);
    await confirmed;
    assert.equal(asked(), 'Discard 3 letters? [y/N] ');
  });
}

for (const answer of ['', 'n', 'no', 'yesterday', 'ja']) {
  test(`"${answer}" is a no`, async () => {
    const { ask, stdin } = atTerminal();
    const confirmed = ask();
    stdin.write(`${answer}\n`);
    await assert.rejects(confirmed, CommandRefused);
  });
}

test('the end of the input and a signal are a no', async () => {
  const ended = atTerminal();
  const first = ended.ask();
  ended.stdin.end();
  await assert.rejects(first, CommandRefused);
  const stopped = atTerminal();
  const second = stopped.ask();
  stopped.stop.abort();
  await assert.rejects(second, CommandRefused);
});

test('where nobody can be asked, --yes is needed and enough', async () => {
  const { ask } = atTerminal({ isTTY: false });
  await assert.rejects(ask(), /Discard 3 letters\?[\s\S]*--yes/);
  await ask(true);
});
