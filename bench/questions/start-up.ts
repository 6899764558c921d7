import { waitUntil } from '../../test/support/wait-until.ts';
import type { Bench, Figures } from '../framework/bench.ts';
import { type Candidate, measureInTurn, ratioGoal } from '../framework/rounds.ts';
import { ClockText, EventRequest } from '../load/event-requests.ts';
import { HttpConnection } from '../load/http-connection.ts';
import { startBroker } from '../support/kafka.ts';
import { freePort, startKero, temporaryFolder } from '../support/kero-processes.ts';
import { startPostgres } from '../support/postgres.ts';
import { newTopicAndDatabase, PARTITIONS } from '../systems/kero-on-kafka.ts';

const MANY = 200;
const ANSWERED = 'first 202 after ms';
const STORED = 'first row after ms';
const EMBEDDED = 'kero start, a folder that is there';
const FIRST = 'kero start, a new folder';
const receiverOf = (partitions: number) => `kero receiver, topic of ${partitions} partitions`;
const processorOf = (partitions: number, months: number) =>
  `kero processor, topic of ${partitions} partitions, table of ${months} ${months === 1 ? 'month' : 'months'}`;

export const startUp: Bench = {
  name: 'start-up',
  question: 'Start: how long until the first event is answered and stored, also with 200 partitions of topic and table',
  async run(context) {
    const { resources } = context;
    const [kafka, postgres] = [await startBroker(resources), await startPostgres(resources)];
    const folder = temporaryFolder(resources, 'start-up');
    const onKafka = async (partitions: number, months: number): Promise<Candidate[]> => {
      const { settings, database } = await newTopicAndDatabase({ kafka, postgres, partitions });
      const ensure = `select kero_ensure_events_partition((date_trunc('month', now()) - n * interval '1 month')::date)`;
      await database.run(`${ensure} from generate_series(0, ${months - 1}) n`);
      const stored = () => database.count('events');
      return [
        { name: receiverOf(partitions), measure: () => startReceiver(context.resources, settings) },
        {
          name: processorOf(partitions, months),
          measure: () => startProcessor(context.resources, settings, stored),
        },
      ];
    };
    const embedded = (name: string, data: () => string): Candidate => ({
      name,
      measure: () => startEmbedded(context.resources, data()),
    });
    let folders = 0;
    const candidates = [
      embedded(FIRST, () => `${folder}/new-${++folders}`),
      embedded(EMBEDDED, () => `${folder}/kept`),
      ...(await onKafka(PARTITIONS, 1)),
      ...(await onKafka(MANY, MANY)),
    ];
    await startEmbedded(resources, `${folder}/kept`);
    const measured = await measureInTurn(candidates, context);
    const [many, few] = [processorOf(MANY, MANY), processorOf(PARTITIONS, 1)];
    return {
      tables: [measured.table('from the start of the process')],
      goals: [
        ratioGoal(
          `${receiverOf(MANY)} / of ${PARTITIONS}`,
          measured.ratio(receiverOf(MANY), receiverOf(PARTITIONS), ANSWERED),
          undefined,
        ),
        ratioGoal(`${many} / ${PARTITIONS} and 1`, measured.ratio(many, few, STORED), undefined),
      ],
      notes: [
        'A new folder includes the making of a PostgreSQL cluster (initdb). A processor finds an event that waits.',
      ],
    };
  },
};

async function startEmbedded(resources: AsyncDisposableStack, data: string): Promise<Figures> {
  await using own = resources.use(new AsyncDisposableStack());
  const startedAt = performance.now();
  const adminPort = String(await freePort());
  const kero = startKero(own, ['start'], { KERO_DATA_DIR: data, RECEIVER_PORT: '0', ADMIN_PORT: adminPort });
  const [, port] = await kero.printed(/receiver: POST http:\/\/127\.0\.0\.1:(\d+)/, 120_000);
  await sendOne(Number(port));
  return { [ANSWERED]: performance.now() - startedAt };
}

async function startReceiver(
  resources: AsyncDisposableStack,
  settings: Readonly<Record<string, string>>,
): Promise<Figures> {
  await using own = resources.use(new AsyncDisposableStack());
  const startedAt = performance.now();
  const adminPort = String(await freePort());
  const kero = startKero(own, ['receiver'], { ...settings, RECEIVER_PORT: '0', ADMIN_PORT: adminPort });
  const [, port] = await kero.printed(/receiver: POST http:\/\/127\.0\.0\.1:(\d+)/);
  await sendOne(Number(port));
  return { [ANSWERED]: performance.now() - startedAt };
}

/** Until an event that was sent before it is stored. */
async function startProcessor(
  resources: AsyncDisposableStack,
  settings: Readonly<Record<string, string>>,
  stored: () => Promise<number>,
): Promise<Figures> {
  await startReceiver(resources, settings);
  const before = await stored();
  await using own = resources.use(new AsyncDisposableStack());
  const startedAt = performance.now();
  startKero(own, ['processor'], { ...settings, ADMIN_PORT: String(await freePort()) });
  await waitUntil(async () => (await stored()) > before, { what: 'the event that waits to be stored' });
  return { [STORED]: performance.now() - startedAt };
}

let events = 0;

async function sendOne(port: number): Promise<void> {
  const connection = new HttpConnection(port);
  await connection.connect();
  const request = new EventRequest({ batch: 1, headers: {} });
  const clock = new ClockText();
  clock.update(Date.now());
  request.fill(events++, clock);
  const status = await new Promise((resolve) => connection.send(request.bytes, resolve));
  connection.close();
  if (status !== 202) throw new Error(`the first event was answered with ${status}`);
}
