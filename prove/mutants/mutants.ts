import type { SystemKind } from '../system/system.ts';

/** A way to break Kero's promise on purpose. The prover must notice. */
export interface Mutant {
  readonly name: string;
  /** For the table of results. */
  readonly mistake: string;
  readonly edits: readonly Edit[];
  /** The shortest run that notices it reliably. */
  readonly on: SystemKind;
  readonly faults: string;
  readonly minutes: number;
  /** Events a second, where the prover's own rate rarely brings the moment about. */
  readonly rate?: number;
  /** At least one of these must be broken; that others are proves nothing. Empty only for one that is out of reach. */
  readonly caughtBy: readonly string[];
  /** Why no fault of the prover can show it. Such a mutant has to survive: if it does not, this text is wrong. */
  readonly outOfReach?: string;
}

export interface Edit {
  readonly file: string;
  /** Must be in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

const PROCESS_EVENTS = 'apps/processor/src/process-events.ts';
const STORE_BATCH = 'packages/database/src/postgres/store-batch.ts';

export const mutants: readonly Mutant[] = [
  {
    name: 'acks-1',
    mistake: 'the leader alone confirms an append (acks=1)',
    edits: [
      {
        file: 'packages/messaging/src/kafka/produce-request.ts',
        find: 'const ACKS_ALL = -1;',
        replace: 'const ACKS_ALL = 1;',
      },
    ],
    on: 'kafka',
    faults: 'broker-broker-blackhole,broker-broker-delay,broker-kill,brokers-kill-two',
    minutes: 2,
    caughtBy: ['I1'],
  },
  {
    name: 'answer-before-append',
    mistake: '202 before the log has confirmed',
    edits: [
      {
        file: 'apps/receiver/src/accept-events.ts',
        find: 'return appendRecord(producer, record, deadlines).then((failure) => {',
        replace:
          'void appendRecord(producer, record, deadlines);\n    return Promise.resolve<Awaited<ReturnType<typeof appendRecord>>>(undefined).then((failure) => {',
      },
    ],
    on: 'embedded',
    faults: 'kero-kill',
    minutes: 1,
    caughtBy: ['I1'],
  },
  {
    name: 'commit-before-store',
    mistake: 'the offset is committed before the rows are stored',
    edits: [
      {
        file: PROCESS_EVENTS,
        find: 'const kept = events.length + deadLetters.length;',
        replace: 'batch.commit();\n  const kept = events.length + deadLetters.length;',
      },
    ],
    on: 'embedded',
    faults: 'postgres-lock,kero-kill',
    minutes: 0.7,
    caughtBy: ['I1', 'I7'],
  },
  {
    name: 'give-up',
    mistake: 'a batch that failed five times is skipped',
    edits: [
      {
        file: 'apps/processor/src/store-with-retry.ts',
        find: 'for (let attempt = 0; !giveUp.aborted; attempt++) {',
        replace:
          'for (let attempt = 0; !giveUp.aborted; attempt++) {\n    if (attempt === 5) return { stored: 0, duplicates: 0, redelivered: 0, deadLetters: new Map() };',
      },
    ],
    on: 'embedded',
    faults: 'postgres-read-only,postgres-immediate',
    minutes: 0.7,
    caughtBy: ['I1', 'I7'],
  },
  {
    name: 'outage-is-bad-data',
    mistake: 'a connection that the server ended counts as bad data (57P01)',
    edits: [
      {
        file: 'packages/database/src/postgres/classify-error.ts',
        find: "    state: '57',\n    kind: 'database_unavailable',",
        replace: "    state: '57',\n    kind: 'data_refused',",
      },
    ],
    on: 'embedded',
    faults: 'postgres-terminate',
    minutes: 1,
    caughtBy: ['DL'],
  },
  {
    name: 'refused-connection-is-bad-data',
    mistake: 'ECONNREFUSED counts as bad data',
    edits: [
      {
        file: 'packages/database/src/postgres/classify-error.ts',
        find: "pattern: /ECONNREFUSED/, kind: 'database_unavailable'",
        replace: "pattern: /ECONNREFUSED/, kind: 'data_refused' as 'database_unavailable'",
      },
    ],
    on: 'embedded',
    faults: 'postgres-immediate,postgres-kill',
    minutes: 2,
    caughtBy: [],
    outOfReach:
      'a record is called bad only when the database takes its dead letter right after, and one that refuses connections does not; stubborn-dead-letter takes that guard away as well',
  },
  {
    name: 'no-unique-key',
    mistake: 'events has no primary key, and nobody looks for it at the start',
    edits: [
      {
        file: 'packages/database/migrations/000001_events.sql',
        find: '  log_offset      bigint      not null,\n  constraint events_pkey primary key (event_timestamp, id)\n',
        replace: '  log_offset      bigint      not null\n',
      },
      // Kero does not start without the key, so that has to go as well.
      {
        file: 'packages/database/src/schema-version.ts',
        find: 'if (key.rows.length === 0) {',
        replace: 'if (key.rows.length < 0) {',
      },
    ],
    on: 'embedded',
    faults: 'none',
    minutes: 0.3,
    caughtBy: ['I2'],
  },
  {
    name: 'numbers-as-doubles',
    mistake: 'event_data goes through JSON.parse and JSON.stringify',
    edits: [
      {
        file: 'apps/processor/src/interpret-record.ts',
        find: "return { kind: 'event', event: new KeptEvent(event, record, receivedAtMicros, headers.replayOf) };",
        replace:
          "const eventData = Buffer.from(JSON.stringify(JSON.parse(event.eventData.toString('utf8'))));\n  const doubles: Event = Object.create(event, { eventData: { value: eventData }, spans: { value: undefined }, id: { value: event.id }, userId: { value: event.userId }, eventId: { value: event.eventId } });\n  return { kind: 'event', event: new KeptEvent(doubles, record, receivedAtMicros, headers.replayOf) };",
      },
    ],
    on: 'embedded',
    faults: 'none',
    minutes: 0.3,
    caughtBy: ['I3'],
  },
  {
    name: 'conflicts-vanish',
    mistake: 'an event in conflict with a stored one is taken for a duplicate',
    edits: [{ file: STORE_BATCH, find: ".filter((it) => it.outcome === 'conflict')", replace: '.filter(() => false)' }],
    on: 'embedded',
    faults: 'none',
    minutes: 0.3,
    caughtBy: ['I1', 'DL'],
  },
  {
    name: 'garbage-vanishes',
    mistake: 'a record that is not an event is skipped without a trace',
    edits: [
      {
        file: 'apps/processor/src/interpret-record.ts',
        find: '  if (!parsed.ok) {\n',
        replace: "  if (!parsed.ok) {\n    if (parsed.problems.length > 0) return { kind: 'skipped' };\n",
      },
    ],
    on: 'kafka',
    faults: 'garbage',
    minutes: 0.5,
    caughtBy: ['DL'],
  },
  {
    name: 'invalid-is-accepted',
    mistake: 'members that are given twice are not noticed',
    edits: [
      {
        file: 'packages/events/src/json/json-reader.ts',
        find: "this.#problems.add('duplicate_member',",
        replace: "if (name === '') this.#problems.add('duplicate_member',",
      },
    ],
    on: 'embedded',
    faults: 'none',
    minutes: 0.3,
    caughtBy: ['I4'],
  },
  {
    name: 'order-lost',
    mistake: 'the partition does not follow from the key',
    edits: [
      {
        file: 'packages/messaging/src/partition-for-key.ts',
        find: 'return (murmur2(key) & 0x7fffffff) % partitions;',
        replace: 'return ((murmur2(key) & 0x7fffffff) + (performance.now() | 0)) % partitions;',
      },
    ],
    on: 'embedded',
    faults: 'none',
    minutes: 0.3,
    caughtBy: ['I5'],
  },
  {
    name: 'read-on-after-rebalance',
    mistake: 'after a rebalance reading goes on where it was, and what was in flight is dropped',
    edits: [
      {
        file: 'packages/messaging/src/kafka/group-session.ts',
        find: '    const mine = ++this.#beginnings;\n',
        replace: '    const mine = ++this.#beginnings;\n    const before = this.#epoch?.readers ?? new Map();\n',
      },
      {
        file: 'packages/messaging/src/kafka/group-session.ts',
        find: 'this.#epoch = new Epoch(generation, logId, offsets);',
        replace:
          'for (const [partition, reader] of before) if (offsets.has(partition)) offsets.set(partition, reader.position);\n        this.#epoch = new Epoch(generation, logId, offsets);',
      },
    ],
    on: 'kafka',
    faults: 'processor-come-and-go,postgres-lock',
    minutes: 1.5,
    rate: 300,
    caughtBy: ['I1', 'I7'],
  },
  {
    name: 'no-error-listener',
    mistake: 'a connection to PostgreSQL that breaks while idle is an uncaught error',
    edits: [
      { file: 'packages/database/src/postgres/client.ts', find: "client.on('error', () => {});", replace: '' },
      {
        file: 'packages/database/src/postgres/connection-pool.ts',
        find: "pooled.client.on('error', drop);",
        replace: '',
      },
    ],
    on: 'embedded',
    faults: 'postgres-terminate,postgres-immediate',
    minutes: 0.7,
    caughtBy: ['I8'],
  },
  {
    name: 'no-time-outs',
    mistake: 'a statement may wait for its answer for ever',
    edits: [
      {
        file: 'packages/database/src/postgres/client.ts',
        find: '{ statementMs: 30_000, answerMs: 40_000 }',
        replace: '{ statementMs: 0, answerMs: 0 }',
      },
    ],
    on: 'kafka',
    faults: 'processor-postgres-silence',
    minutes: 1,
    caughtBy: ['I6', 'I8'],
  },
  {
    name: 'log-confirms-before-write',
    mistake: 'the embedded log confirms what is on its way to the disk',
    edits: [
      {
        file: 'packages/messaging/src/embedded/log-writer.ts',
        find: "    this.#thread.tell({ type: 'write', group }, [payload]);",
        replace:
          "    for (const append of appends) append.settle(undefined);\n    setTimeout(() => this.#thread.tell({ type: 'write', group }, [payload]), 5);",
      },
    ],
    on: 'embedded',
    faults: 'kero-kill',
    minutes: 0.8,
    rate: 600,
    caughtBy: ['I1'],
  },
  {
    name: 'log-without-fsync',
    mistake: 'the embedded log does not sync what it confirms (synchronous=OFF)',
    edits: [
      {
        file: 'packages/messaging/src/embedded/log-connection.ts',
        find: 'PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint',
        replace: 'PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint',
      },
    ],
    on: 'embedded',
    faults: 'kero-kill',
    minutes: 0.5,
    caughtBy: [],
    outOfReach: 'kill -9 leaves the page cache as it is; only a power loss takes it, and the prover has none',
  },
  {
    name: 'refused-is-appended',
    mistake: 'an event is appended although it gets a 4xx',
    edits: [
      {
        file: 'apps/receiver/src/accept-events.ts',
        find: '    if (!parsed.ok) return refuse(exchange, refusalOfItem(parsed), cause);',
        replace:
          "    if (!parsed.ok) {\n      await appendRecord(producer, { key: Buffer.from('k'), value: body, headers: [] }, settings.deadlineMs);\n      return refuse(exchange, refusalOfItem(parsed), cause);\n    }",
      },
    ],
    on: 'embedded',
    faults: 'none',
    minutes: 0.3,
    caughtBy: ['I4'],
  },
  {
    name: 'content-is-not-compared',
    mistake: 'whatever has the id of a stored event is a duplicate, its content is not looked at',
    edits: [
      {
        file: 'packages/database/src/postgres/compare-events.ts',
        find: 'const [, found, storedPartition, storedOffset, differing] = byOffset',
        replace: "const differing = '';\n    const [, found, storedPartition, storedOffset] = byOffset",
      },
    ],
    on: 'embedded',
    faults: 'none',
    minutes: 0.3,
    caughtBy: ['I1', 'DL'],
  },
  {
    name: 'commit-what-was-given-up',
    mistake: 'the offset of a batch is committed although a stop ended its attempts',
    edits: [{ file: PROCESS_EVENTS, find: 'if (!stored) return;', replace: 'if (!stored) return batch.commit();' }],
    on: 'embedded',
    faults: 'kero-term,postgres-lock',
    minutes: 1,
    caughtBy: ['I1', 'I7'],
  },
  {
    name: 'start-at-the-end',
    mistake: 'after a start reading begins at the end of the log, not at the committed offset',
    edits: [
      {
        file: 'packages/messaging/src/embedded/consumer-group.ts',
        find: 'committed.get(partition) ?? options.reader.logStart(partition) ?? 0);',
        replace: 'options.writer.nextOffsets[partition] ?? 0);',
      },
    ],
    on: 'embedded',
    faults: 'kero-kill,postgres-lock',
    minutes: 0.8,
    caughtBy: ['I1', 'I7'],
  },
  {
    name: 'commit-one-short',
    mistake: 'the last record of a batch stays uncommitted',
    edits: [
      {
        file: PROCESS_EVENTS,
        find: 'batch.commit(settings.commitSkipped ? batch.nextOffset : afterLastKept);',
        replace: 'batch.commit(batch.nextOffset - 1n);',
      },
    ],
    on: 'embedded',
    faults: 'none',
    minutes: 0.3,
    caughtBy: ['I6'],
  },
  {
    name: 'stubborn-dead-letter',
    mistake: 'ECONNREFUSED counts as bad data, and the dead letter is tried until it is written',
    edits: [
      {
        file: 'packages/database/src/postgres/classify-error.ts',
        find: "pattern: /ECONNREFUSED/, kind: 'database_unavailable'",
        replace: "pattern: /ECONNREFUSED/, kind: 'data_refused' as 'database_unavailable'",
      },
      {
        file: 'apps/processor/src/store-isolating.ts',
        find: '    return await store.store({ ...batch, events: [], deadLetters: [refused(event, error)] });',
        replace:
          '    for (;;) {\n      try {\n        return await store.store({ ...batch, events: [], deadLetters: [refused(event, error)] });\n      } catch {\n        await new Promise((resolve) => setTimeout(resolve, 50));\n      }\n    }',
      },
    ],
    on: 'embedded',
    faults: 'postgres-immediate,postgres-kill',
    minutes: 0.8,
    caughtBy: ['DL'],
  },
  {
    name: 'commit-at-rebalance',
    mistake: 'at a rebalance what is in flight is committed as if it were finished',
    edits: [
      {
        file: 'packages/messaging/src/kafka/group-session.ts',
        find: '    this.#rebalancing = true;\n',
        replace:
          '    this.#rebalancing = true;\n    for (const reader of this.#epoch?.readers.values() ?? []) reader.finish(reader.position);\n',
      },
    ],
    on: 'kafka',
    faults: 'processor-come-and-go,postgres-lock',
    minutes: 1.5,
    caughtBy: ['I1', 'I7'],
  },
];
