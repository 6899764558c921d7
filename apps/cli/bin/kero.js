#!/usr/bin/env -S node --max-semi-space-size=8 --no-allocation-site-pretenuring
// The `kero` command on any Node >= 20: Kero itself needs Node 24 (it runs its TypeScript sources as they are), so an
// older Node only starts the one that the npm package `node` brought along, and passes signals on to it.
import { spawn } from 'node:child_process';
import module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 24;
/** Less memory and less work for the garbage collector (docs/decisions/0026-young-generation.md). The first line has them, too. */
const NODE_FLAGS = ['--max-semi-space-size=8', '--no-allocation-site-pretenuring'];
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

// Compiled code is kept from one start to the next, without its types: it starts in two thirds of the time and needs 40 MB less,
// because what takes the types out is not even loaded. As a variable of the environment, so that threads and other processes of Kero
// do it, too. In the folder of Kero, not in the system's folder for temporary files, which others may write to. Where it cannot
// be written, nothing is kept.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../../../node_modules/.cache/kero', import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
  module.enableCompileCache();
  await import(main);
} else {
  runWith(findNode());
}

function findNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
    return join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch {
    fail(`the npm package "node" is not installed`);
  }
}

function runWith(node) {
  // The IPC channel carries no messages: its end tells the child that this process is gone, even after kill -9.
  const child = spawn(node, [...NODE_FLAGS, main, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`${node} cannot be started (${error.message})`));
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    // End as the child did, so that a supervisor sees the same signal.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(why) {
  process.stderr.write(
    `kero: ${why}. Run "npm ci" in the folder of Kero, or install Node.js ${NEEDED_MAJOR} or newer.\n`,
  );
  process.exit(1);
}
