import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import process from 'node:process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

function runBench(...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
    );
  });
}

describe('npm run bench', () => {
  test('lists its questions', async () => {
    const { code, output } = await runBench('--list');
    assert.equal(code, 0, output);
    for (const number of ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8'])
      assert.match(output, new RegExp(` ${number} `));
  });

  test('measures single POSTs beside bare node:http, and says on which machine', async () => {
    const { code, output } = await runBench('single-posts', '--quick');
    assert.equal(code, 0, output);
    assert.match(output, /Kero, everything on \/ bare: [\d.]+ +goal: at least 0\.9, then 1/);
    assert.match(output, /an API key, rate limits by address and key/);
    assert.match(output, /\d+ cores \(.*\), \d+ GiB, .*; Node v24.*Kafka .*PostgreSQL .*; Kero /);
    assert.match(output, /load average .* at the end/);
  });

  test('measures the embedded log beside a bare file', async () => {
    const { code, output } = await runBench('P8', '--quick');
    assert.equal(code, 0, output);
    for (const shape of ['64 x 1', '1 x 500', '4 x 500']) {
      assert.match(output, new RegExp(`${shape}: embedded log / bare file, fdatasync: [\\d.]+`));
    }
  });

  test('says what is wrong with its arguments', async () => {
    const { code, output } = await runBench('speed');
    assert.equal(code, 2, output);
    assert.match(output, /there is no bench "speed"; there are single-posts, /);
  });
});
