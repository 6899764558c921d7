import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '@kero/runtime';
import { databaseError } from '../database-errors.ts';
import { runProgram } from './run-program.ts';
import { type ClusterTools, errorLines } from './server-cluster.ts';
import { LOOPBACK } from './server-folder.ts';
import { isServerReady, serverPid } from './server-pid.ts';

const START_TIMEOUT_MS = 120_000;
const LOOK_INTERVAL_MS = 50;
const FAST_STOP_TIMEOUT_S = 15;
const IMMEDIATE_STOP_TIMEOUT_S = 5;
const MAX_LOG_BYTES = 10 * 1024 * 1024;

export type StartResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly portTaken: boolean; readonly reason: string };

/**
 * Starts the server on a port of 127.0.0.1 and waits until it takes connections. Without pg_ctl, which would put the path of
 * the programs through a shell; in a session of its own, so that Ctrl-C does not reach it, and it outlives this process.
 */
export async function startServer({ folder, programs, runAs }: ClusterTools, port: number): Promise<StartResult> {
  if (existsSync(folder.log) && statSync(folder.log).size > MAX_LOG_BYTES) renameSync(folder.log, `${folder.log}.1`);
  const log = openSync(folder.log, 'a', 0o600);
  if (runAs.owner) chownSync(folder.log, runAs.owner.uid, runAs.owner.gid);
  const before = statSync(folder.log).size;
  // On the command line, so that nothing in the cluster's own configuration can open it to the network.
  const settings = [`port=${port}`, `listen_addresses=${LOOPBACK}`, 'unix_socket_directories='];
  const [program = '', ...args] = [
    ...runAs.prefix,
    join(programs, 'postgres'),
    ...['-D', 'data', ...settings.flatMap((setting) => ['-c', setting])],
  ];
  const child = spawn(program, args, { cwd: folder.path, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  const problem = await whyNotReady(child, folder.data);
  if (problem === undefined) return { ok: true };
  const logged = readFileSync(folder.log).subarray(before).toString('utf8');
  return {
    ok: false,
    portTaken: /address already in use|could not bind/i.test(logged),
    reason: `${errorLines(logged.trim() || problem)} (log file ${folder.log})`,
  };
}

/** Resolves when the server takes connections, or to what is wrong with it. */
async function whyNotReady(child: ChildProcess, data: string): Promise<string | undefined> {
  const over = new AbortController();
  let ended: string | undefined;
  const end = (reason: string) => {
    ended ??= reason;
    over.abort();
  };
  child.once('error', (error) => end(error.message));
  child.once('exit', (code, signal) => end(`postgres ended with ${signal ?? `exit code ${code}`}`));
  const startedAt = performance.now();
  while (ended === undefined) {
    if (child.pid !== undefined && isServerReady(data, child.pid)) return undefined;
    if (performance.now() - startedAt > START_TIMEOUT_MS) return `it was not ready after ${START_TIMEOUT_MS} ms`;
    await sleep(LOOK_INTERVAL_MS, over.signal);
  }
  return ended;
}

/** Stops the server when it runs: politely, then by force. Connections are ended, transactions rolled back. */
export async function stopServer({ folder, programs, runAs }: ClusterTools): Promise<void> {
  if (!existsSync(join(folder.data, 'postmaster.pid'))) return;
  const stop = async (mode: 'fast' | 'immediate', timeoutS: number) =>
    runProgram(
      [
        ...runAs.prefix,
        join(programs, 'pg_ctl'),
        ...['stop', '-D', 'data', '-m', mode, '-w', '-t', String(timeoutS), '-s'],
      ],
      { cwd: folder.path },
    );
  if ((await stop('fast', FAST_STOP_TIMEOUT_S)).ok) return;
  const forced = await stop('immediate', IMMEDIATE_STOP_TIMEOUT_S);
  if (forced.ok || serverPid(folder.data) === undefined) return;
  throw databaseError('embedded_server_failed', `the server in ${folder.data} does not stop: ${forced.output}`);
}
