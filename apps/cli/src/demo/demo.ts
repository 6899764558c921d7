import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, loadSettings, type MainProcess, runService, type ServiceContext, sleep } from '@kero/runtime';
import { allGroups } from '../all-settings.ts';
import { type RunningKero, startService } from '../commands/start.ts';
import { createProgress, type ProgressOutput } from '../progress.ts';
import { checkDemo } from './check-demo.ts';
import { badEvents, conflicts, interleave, newEvents, repeats } from './demo-events.ts';
import { renderReport } from './render-report.ts';
import { sendAll } from './send-all.ts';

const CONCURRENCY = 32;
const DRAIN_TIMEOUT_MS = 60_000;
const REPEAT_EVERY = 6;
const CONFLICTS = 20;
const BAD = 160;

export interface DemoProcess extends MainProcess {
  readonly stdout: ProgressOutput;
}

/**
 * `kero demo`: the whole pipeline, embedded, in a temporary folder on free ports (settings of the environment do not count),
 * a few thousand events through its HTTP door, and an account that must add up. Resolves to 0 only if it does.
 */
export async function runDemo(process: DemoProcess, { events }: { events: number }): Promise<number> {
  const out = process.stdout;
  const folder = await mkdtemp(join(tmpdir(), 'kero-demo-'));
  const environment = {
    KERO_DATA_DIR: folder,
    RECEIVER_PORT: '0',
    ADMIN_PORT: '0',
    LOG_LEVEL: 'error',
    PROJECT_NAME: 'kero-demo',
  };
  const { values: settings } = loadSettings(allGroups, { environment });
  const logger = createLogger({ level: 'error', format: 'pretty', name: 'kero-demo' });
  let adds = false;
  try {
    out.write(`Kero demo: everything embedded, in ${folder}\n  starting PostgreSQL, log, receiver, processor ...\n`);
    const begun = performance.now();
    const exitCode = await runService(
      { process, logger, shutdownTimeoutMs: settings.runtime.shutdownTimeoutMs },
      (context) =>
        startService(context, settings, logger, (running) => {
          out.write(`  ready after ${seconds(performance.now() - begun)}\n`);
          play(context, running, out, events)
            .then((result) => {
              adds = result;
              context.end();
            })
            .catch(context.fail);
        }),
    );
    return exitCode === 0 && adds ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Sends everything, waits until it is drained, prints the account. Resolves to whether it adds up. */
async function play(
  { stop }: ServiceContext,
  running: RunningKero,
  out: ProgressOutput,
  events: number,
): Promise<boolean> {
  const fresh = newEvents(events);
  const first = interleave(fresh, badEvents(BAD));
  const second = interleave(repeats(fresh, REPEAT_EVERY), conflicts(Math.min(CONFLICTS, events)));
  const url = `${running.receiver.url}/api/v1/events`;
  const progress = createProgress(out, 'sending', first.length + second.length);
  const begun = performance.now();
  const answers = await sendAll(url, first, { concurrency: CONCURRENCY, onProgress: progress.update, stop });
  const onProgress = (done: number) => progress.update(first.length + done);
  answers.push(...(await sendAll(url, second, { concurrency: CONCURRENCY, onProgress, stop })));
  progress.finish();
  if (stop.aborted) return false;
  const sent = performance.now();

  const accepted = answers.filter(({ status }) => status === 202).length;
  while (running.processorCounts.read < accepted && performance.now() - sent < DRAIN_TIMEOUT_MS) await sleep(5, stop);
  const drained = performance.now();

  const outcome = await checkDemo(answers, running.database, running.processorCounts);
  const shown = answers.find(({ request }) => request === fresh[0]);
  const row = await running.database.query(`select * from events where id = '${shown?.id}'`);
  out.write(
    renderReport(outcome, {
      sentBody: shown?.request.body ?? '',
      row,
      sendMs: sent - begun,
      drainMs: drained - sent,
      requests: answers.length,
    }),
  );
  return outcome.checks.every(({ holds }) => holds);
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
