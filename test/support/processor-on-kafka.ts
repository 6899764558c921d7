import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { KafkaCluster } from './kafka/kafka-cluster.ts';
import { createTopic, throwawayTopic } from './kafka/kafka-topics.ts';
import { type KeroProcess, runKero, startKero } from './kero-process.ts';
import type { PostgresServer } from './postgres/postgres-server.ts';

export interface ProcessorOnKafka {
  readonly topic: string;
  readonly groupId: string;
  /** For further commands on the same log and database. */
  readonly environment: Readonly<Record<string, string>>;
  /** Resolves when it has its partitions. */
  start(): Promise<KeroProcess>;
  /** Values as PostgreSQL prints them. */
  rows(sql: string): Promise<readonly (readonly (string | null)[])[]>;
}

export interface ProcessorOnKafkaOptions {
  readonly kafka: KafkaCluster;
  readonly postgres: PostgresServer;
  readonly partitions: number;
  /** Further settings of the processors. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A topic and a migrated database of its own, and how to start `kero processor` on them. */
export async function processorOnKafka(
  t: TestContext,
  { kafka, postgres, partitions, settings = {} }: ProcessorOnKafkaOptions,
): Promise<ProcessorOnKafka> {
  const topic = throwawayTopic('processor');
  const groupId = `group-of-${topic}`;
  const config = await postgres.newDatabase(t);
  const environment = {
    KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServers.join(','),
    KAFKA_TOPIC: topic,
    KAFKA_GROUP_ID: groupId,
    POSTGRES_HOST: config.hosts.map(({ host, port }) => `${host}:${port}`).join(','),
    POSTGRES_USER: config.user,
    POSTGRES_PASSWORD: config.password ?? '',
    POSTGRES_DB: config.database,
    ADMIN_PORT: '0',
    ...settings,
  };
  await createTopic(kafka, topic, { partitions });
  const migrated = await runKero(t, ['migrate'], environment);
  assert.equal(migrated.code, 0, migrated.output);
  return {
    topic,
    groupId,
    environment,
    rows: (sql) => postgres.run(sql, config.database),
    start: async () => {
      const processor = startKero(t, ['processor'], environment);
      await processor.printed(/reading from Kafka/);
      return processor;
    },
  };
}
