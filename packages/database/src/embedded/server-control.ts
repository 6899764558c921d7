import { chownSync, closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { databaseError } from '../database-errors.ts';
import { runProgram } from './run-program.ts';
import { type ClusterTools, errorLines } from './server-cluster.ts';
import { LOOPBACK } from './server-folder.ts';
import { serverPid } from './server-pid.ts';

const START_TIMEOUT_S = 120;
const FAST_STOP_TIMEOUT_S = 15;
const IMMEDIATE_STOP_TIMEOUT_S = 5;
const MAX_LOG_BYTES = 10 * 1024 * 1024;

export type StartResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly portTaken: boolean; readonly reason: string };

/** Starts the server on a port of 127.0.0.1 and waits until it takes connections. */
export async function startServer({ folder, programs, runAs }: ClusterTools, port: number): Promise<StartResult> {
  if (existsSync(folder.log) && statSync(folder.log).size > MAX_LOG_BYTES) renameSync(folder.log, `${folder.log}.1`);
  closeSync(openSync(folder.log, 'a', 0o600));
  if (runAs.owner) chownSync(folder.log, runAs.owner.uid, runAs.owner.gid);
  const before = statSync(folder.log).size;
  // On the command line, so that nothing in the cluster's own configuration can open it to the network.
  const options = `-p ${port} -c listen_addresses=${LOOPBACK} -c unix_socket_directories=`;
  const started = await runProgram(
    [
      ...runAs.prefix,
      join(programs, 'pg_ctl'),
      ...['start', '-D', 'data', '-l', 'server.log', '-o', options, '-w', '-t', String(START_TIMEOUT_S), '-s'],
    ],
    { cwd: folder.path },
  );
  if (started.ok) return { ok: true };
  const logged = readFileSync(folder.log).subarray(before).toString('utf8');
  return {
    ok: false,
    portTaken: /address already in use|could not bind/i.test(logged),
    reason: `${errorLines(logged.trim() || started.output)} (log file ${folder.log})`,
  };
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
