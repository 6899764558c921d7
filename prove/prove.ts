import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from './check/check.ts';
import type { Evidence } from './check/evidence.ts';
import { readLedger } from './check/read-ledger.ts';
import { readLog } from './check/read-logs.ts';
import { readDeadLetters, readEvents } from './check/read-tables.ts';
import type { Verdict } from './check/verdict.ts';
import { Deliveries } from './load/deliveries.ts';
import { produceGarbage } from './load/garbage.ts';
import { Ledger } from './load/ledger.ts';
import { runLoad } from './load/load.ts';
import { HttpClient } from './load/post.ts';
import { Nemesis } from './nemesis/nemesis.ts';
import type { ProveOptions } from './options.ts';
import { Progress, type Screen } from './progress.ts';
import { Random } from './random.ts';
import { makeSchedule } from './schedule.ts';
import { lagOf, settle } from './settle.ts';
import { startSystem } from './system/start-system.ts';
import type { System } from './system/system.ts';

export interface Proof {
  readonly evidence: Evidence;
  readonly verdicts: readonly Verdict[];
}

const SAMPLE_EVERY_MS = 2000;
/** Above the numbers that any client gives. */
const PROBE_NUMBER = 90_000_000;

/**
 * One run: brings the system up, puts load and faults on it, heals, drains, gathers the evidence and checks it.
 * Resolves to undefined when `stop` aborted before the evidence was whole. Everything it started is gone then too.
 */
export async function prove(
  options: ProveOptions & { readonly kero: string; readonly folder: string },
  screen: Screen,
  stop: AbortSignal,
): Promise<Proof | undefined> {
  await using resources = new AsyncDisposableStack();
  const random = new Random(options.seed);
  const seconds = options.minutes * 60;
  const schedule = makeSchedule(random.fork('schedule'), options.faults, seconds);
  const ledgerFile = join(options.folder, 'ledger.jsonl');
  const ledger = resources.use(await Ledger.create(ledgerFile));
  const events = join(options.folder, 'prover.log');
  const log = (text: string) => appendFileSync(events, `${new Date().toISOString()} ${text}\n`);
  log(`schedule ${JSON.stringify(schedule)}`);

  screen.write(`starting the system (${options.on}) ...\n`);
  const system = resources.use(await startSystem(options.on, options));
  for (const line of system.description) screen.write(`  ${line}\n`);
  screen.write(`  ${schedule.length} faults planned in ${seconds} s, ${options.rate} events a second\n`);
  if (stop.aborted) return undefined;

  const clients = Array.from({ length: options.clients }, () => resources.use(new HttpClient()));
  const deliveries = new Deliveries({ ledger, receivers: system.receivers, clients });
  const run = `p${options.seed.replaceAll(/[^A-Za-z0-9]/g, '')}`;
  const nemesis = new Nemesis({
    system,
    kinds: options.faults,
    random: random.fork('faults'),
    produceGarbage: (drawn) => produceGarbage({ ledger, deliveries, log: system.log, random: drawn, run }),
    log,
  });

  let lag: number | undefined;
  const sampler = setInterval(() => {
    for (const process of system.processes) process.sampleMemory();
    void lagOf(system).then((found) => {
      lag = found;
    });
  }, SAMPLE_EVERY_MS);
  resources.defer(() => clearInterval(sampler));
  const describe = () => {
    const { outcomes } = deliveries.counts;
    const faults = nemesis.active.map(({ name, detail }) => (detail ? `${name} (${detail})` : name)).join(', ');
    return `sent ${deliveries.counts.attempts}  ok ${outcomes.ok}  refused ${outcomes.no}  unknown ${outcomes.unknown} (open ${deliveries.open})  lag ${lag ?? '?'}  faults ${nemesis.injected.length}: ${faults || '-'}`;
  };
  const progress = resources.use(new Progress(screen, describe));

  const failed = new AbortController();
  const loadOver = AbortSignal.any([stop, failed.signal, AbortSignal.timeout(seconds * 1000)]);
  const retrying = deliveries.retryUntil(loadOver);
  const load = runLoad(deliveries, { ...options, random: random.fork('load'), run }, loadOver);
  const faults = nemesis.run(schedule, loadOver);
  const all = [faults, load, retrying].map((work) => work.catch((error: unknown) => failed.abort(error)));
  await Promise.all(all);
  if (failed.signal.aborted) throw failed.signal.reason;
  if (stop.aborted) return undefined;

  progress.say('load and faults are over, everything is healed; waiting for the rest');
  const draining = await settle({
    ...{ system, deliveries, random, run, stop },
    unique: PROBE_NUMBER,
    limitS: options.drainS,
  });
  if (stop.aborted) return undefined;
  progress.say('gathering the evidence');
  await ledger.flush();
  const evidence: Evidence = {
    ledger: await readLedger(ledgerFile),
    ...(await readTables(system)),
    log: await system.log.records(),
    commits: await system.log.commits(),
    faults: nemesis.injected,
    processes: await Promise.all(
      system.processes.map(async ({ name, logFile, peakBytes, exits, slowStops }) => ({
        ...{ name, peakBytes, exits: [...exits], slowStops: [...slowStops] },
        ...(await readLog(logFile)),
      })),
    ),
    draining,
    memoryCapBytes: options.memoryCapBytes,
  };
  return { evidence, verdicts: check(evidence) };
}

async function readTables(system: System): Promise<Pick<Evidence, 'events' | 'deadLetters'>> {
  const client = await system.postgres.connect();
  try {
    return { events: await readEvents(client), deadLetters: await readDeadLetters(client) };
  } finally {
    await client.end();
  }
}
