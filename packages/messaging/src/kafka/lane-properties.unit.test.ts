import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLogger } from '@kero/runtime';
import { NetworkError, ProtocolError, Reader, readRecordsBatch } from '@platformatic/kafka';
import { AppendCall } from './append-call.ts';
import { Lane, type LaneClient } from './lane.ts';
import type { PartitionBatch, ProduceAnswer } from './produce-request.ts';

const PARTITIONS = 4;
const BROKERS = 2;
const RECORDS = 400;
const RECORD_BYTES = 10;
const FAULTS = ['lost request', 'lost answer', 'late request', 'not leader', 'too few replicas', 'silent'] as const;
/** Of all senders: what they have sent without an answer is sent again by another one, and may be there twice. */
const FORGETS = 'forgets';
type Fault = (typeof FAULTS)[number] | typeof FORGETS;

/** Brokers as a lane sees them, whose idempotence is Kafka's: a batch whose sequence is known is confirmed and not stored again. */
class Brokers {
  readonly partitions: string[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly out = new Map<number, number>();
  requests = 0;
  clients = 0;
  readonly #leaders = Array.from({ length: PARTITIONS }, (_, partition) => partition % BROKERS);
  readonly #nextSequence = new Map<string, number>();
  readonly #forgotten = new Set<bigint>();
  readonly #random: () => number;
  readonly #faultShare: number;
  readonly #faults: readonly Fault[];
  #identities = 0n;

  constructor(seed: number, faultShare: number, faults: readonly Fault[]) {
    this.#random = randomFrom(seed);
    this.#faultShare = faultShare;
    this.#faults = faults;
  }

  get forgetsSenders(): boolean {
    return this.#faults.includes(FORGETS);
  }

  newClient(): LaneClient {
    this.clients++;
    const state = { id: 'id', partitions: this.#leaders.map((leader) => ({ leader, replicas: 3, inSync: 3 })) };
    return {
      leaders: async () => {
        if (this.#fails()) throw new NetworkError('cannot ask');
        return [...this.#leaders];
      },
      topicState: async () => state,
      newIdentity: async () => ({ producerId: this.#identities++, producerEpoch: 0 }),
      produce: (leader, batches) => this.#produce(leader, batches),
      retire: () => {},
      close: async () => {},
    };
  }

  async #produce(leader: number, batches: readonly PartitionBatch[]): Promise<ProduceAnswer> {
    this.requests++;
    for (const { partition } of batches) {
      assert.ok(!this.out.has(partition), 'one batch of a partition at a time');
      this.out.set(partition, leader);
    }
    for (let rounds = this.#random() * 5; rounds > 0; rounds--) await new Promise(setImmediate);
    if (this.#fails()) this.#moveLeaders();
    for (const { partition } of batches) this.out.delete(partition);
    const fault = this.#fails() ? this.#faults[Math.floor(this.#random() * this.#faults.length)] : undefined;
    return this.#answer(leader, batches, fault);
  }

  async #answer(leader: number, batches: readonly PartitionBatch[], fault: Fault | undefined): Promise<ProduceAnswer> {
    const answer = new Map<number, ProtocolError | undefined>();
    switch (fault) {
      case 'lost request':
        throw new NetworkError('Connection closed');
      case 'late request':
        setTimeout(() => this.#storeAll(leader, batches), this.#random() * 200);
        throw new NetworkError('Request timed out');
      case 'lost answer':
        this.#storeAll(leader, batches);
        throw new NetworkError('Connection closed');
      case 'silent':
        return this.#storeAll(leader, batches.slice(1));
      case FORGETS:
        for (const { bytes } of batches) this.#forgotten.add(readRecordsBatch(Reader.from(bytes)).producerId);
        return this.#storeAll(leader, batches);
      case 'not leader':
        this.#moveLeaders();
        return this.#storeAll(leader, batches);
      case 'too few replicas':
        for (const { partition } of batches.slice(1)) {
          answer.set(partition, new ProtocolError('NOT_ENOUGH_REPLICAS'));
        }
        return new Map([...this.#storeAll(leader, batches.slice(0, 1)), ...answer]);
      default:
        return this.#storeAll(leader, batches);
    }
  }

  #storeAll(leader: number, batches: readonly PartitionBatch[]): Map<number, ProtocolError | undefined> {
    return new Map(batches.map((batch) => [batch.partition, this.#store(leader, batch)]));
  }

  #store(leader: number, { partition, bytes }: PartitionBatch): ProtocolError | undefined {
    if (this.#leaders[partition] !== leader) return new ProtocolError('NOT_LEADER_OR_FOLLOWER');
    const { producerId, firstSequence, records } = readRecordsBatch(Reader.from(bytes));
    if (this.#forgotten.has(producerId)) return new ProtocolError('UNKNOWN_PRODUCER_ID');
    const key = `${producerId} ${partition}`;
    const expected = this.#nextSequence.get(key) ?? 0;
    if (firstSequence < expected) return undefined;
    if (firstSequence > expected) return new ProtocolError('OUT_OF_ORDER_SEQUENCE_NUMBER');
    this.#nextSequence.set(key, firstSequence + records.length);
    for (const { value } of records) this.partitions[partition]?.push(String(value));
    return undefined;
  }

  #moveLeaders(): void {
    for (const partition of this.#leaders.keys()) this.#leaders[partition] = Math.floor(this.#random() * BROKERS);
  }

  #fails(): boolean {
    return this.#random() < this.#faultShare;
  }
}

/** xorshift: the same faults with the same seed. */
function randomFrom(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** A lane to these brokers, and what it has given back. */
function laneTo(brokers: Brokers): { lane: Lane; released: () => number; lines: string[] } {
  let released = 0;
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const lane = new Lane({
    newClient: () => brokers.newClient(),
    topic: 'topic',
    compression: 'none',
    minInSync: 1,
    limits: { records: 20, bytes: 1_000 },
    requestBytes: 2_000,
    logger: createLogger({ level: 'warn', format: 'json', name: 'test', destination }),
    onReleased: (bytes) => {
      released += bytes;
    },
  });
  return { lane, released: () => released, lines };
}

/** Resolves when the record is confirmed. */
function push(lane: Lane, partition: number, text: string): Promise<void> {
  const call = new AppendCall(1, 60_000, () => {});
  const record = { key: Buffer.alloc(0), value: Buffer.from(text), headers: [] };
  lane.push(partition, { call, index: 0, record, bytes: RECORD_BYTES });
  return call.promise;
}

async function appendAll(brokers: Brokers, seed: number): Promise<void> {
  const { lane, released, lines } = laneTo(brokers);
  const random = randomFrom(seed + 1);
  const appended: string[][] = Array.from({ length: PARTITIONS }, () => []);
  const calls: Promise<void>[] = [];
  for (let n = 0; n < RECORDS; n++) {
    const partition = Math.floor(random() * PARTITIONS);
    appended[partition]?.push(String(n));
    calls.push(push(lane, partition, String(n)));
    if (random() < 0.3) await new Promise(setImmediate);
  }
  await lane.close(55_000);
  await Promise.all(calls);
  for (const [partition, values] of appended.entries()) {
    const stored = brokers.partitions[partition] ?? [];
    assert.deepEqual([...new Set(stored)], values, `partition ${partition}: all records, in the order of the appends`);
    if (!brokers.forgetsSenders) assert.equal(stored.length, values.length, 'and each of them once');
  }
  assert.equal(released(), RECORDS * RECORD_BYTES, 'every byte is given back');
  assert.deepEqual(lines, [], 'no batch is given up: each goes through at one of its tries');
  assert.ok(brokers.clients > 1, 'brokers that do not answer cost it its client');
}

describe('a lane', { concurrency: true, timeout: 120_000 }, () => {
  for (let seed = 1; seed <= 8; seed++) {
    test(`confirms what is stored, in order and once, whatever fails on the way (seed ${seed})`, async () => {
      await appendAll(new Brokers(seed, 0.15, FAULTS), seed);
    });
    test(`goes on when the brokers forget who has sent what (seed ${seed})`, async () => {
      await appendAll(new Brokers(seed, 0.15, [...FAULTS, FORGETS]), seed);
    });
  }

  test('puts what comes in one round of the event loop into one request a broker, with a batch a partition', async () => {
    const brokers = new Brokers(1, 0, []);
    const { lane } = laneTo(brokers);
    const calls: Promise<void>[] = [];
    for (let n = 0; n < 40; n++) {
      calls.push(push(lane, n % PARTITIONS, String(n)));
      await Promise.resolve();
    }
    await Promise.all(calls);
    assert.equal(brokers.requests, BROKERS);
    await lane.close(1_000);
  });

  test('believes a broker that a partition cannot be written, unless that partition was confirmed a moment ago', async () => {
    const { lane } = laneTo(new Brokers(1, 0, []));
    await push(lane, 0, 'confirmed');
    lane.learnDown(0, 'too few in-sync replicas');
    lane.learnDown(1, 'too few in-sync replicas');
    assert.equal(lane.whyDown(0), undefined);
    assert.equal(lane.whyDown(1), 'too few in-sync replicas');
    await lane.close(1_000);
  });
});
