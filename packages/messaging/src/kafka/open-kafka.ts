import {
  isKeroError,
  type Logger,
  START_PATIENCE_MS,
  StartWait,
  sleep,
  unlessStopped,
  withDeadline,
} from '@kero/runtime';
import { Admin } from '@platformatic/kafka';
import type { Consumer, LagReader, Messaging, Producer } from '../messaging.ts';
import { messagingError } from '../messaging-errors.ts';
import type { KafkaConfig } from '../messaging-settings.ts';
import type { OpenMessagingContext } from '../open-messaging.ts';
import { checkTopic, type TopicSettings } from './check-topic.ts';
import { addresses, type Connection, clientOptions, readConnection } from './client-options.ts';
import { connectionProblem } from './connection-problem.ts';
import { createTopic } from './create-topic.ts';
import { KafkaConsumer } from './kafka-consumer.ts';
import { reasonOf } from './kafka-errors.ts';
import { KafkaLagReader } from './kafka-lag-reader.ts';
import { KafkaProducer } from './kafka-producer.ts';
import { readTopicState, type TopicState } from './topic-state.ts';

const CONNECT_PAUSE_MS = 500;
/** Of one attempt: brokers that take a connection and say nothing must not be all that is tried. */
const ATTEMPT_PATIENCE_MS = 15_000;
/** After which silence a person is told what is waited for. */
const TELL_AFTER_MS = 2000;
/** Kafka's own defaults, for a topic whose settings this client may not read. */
const DEFAULT_SETTINGS = { minInSyncReplicas: 1, maxMessageBytes: 1_048_588 };

/**
 * Connects to the brokers and checks that the topic keeps what it is given; creates it when the configuration says so.
 *
 * Throws KeroError: `log_unavailable` (no broker answers within the patience of the context, or they refuse the credentials), `topic_missing`,
 * `topic_unsafe`, `stopped`.
 */
export async function openKafka(config: KafkaConfig, context: OpenMessagingContext): Promise<Messaging> {
  const { logger } = context;
  const connection = await readConnection(config);
  const { patienceMs = START_PATIENCE_MS } = context;
  const wait = new StartWait({ what: `Kafka (${addresses(config)})`, logger, patienceMs });
  const silence = setTimeout(() => wait.failed('no answer'), TELL_AFTER_MS);
  try {
    const opened = await openWithPatience(connection, config, context, wait);
    wait.over();
    return new KafkaMessaging(connection, config, opened, logger);
  } finally {
    clearTimeout(silence);
  }
}

async function openWithPatience(
  connection: Connection,
  config: KafkaConfig,
  { logger, startLogger = logger, stop }: OpenMessagingContext,
  wait: StartWait,
): Promise<OpenedTopic> {
  for (let attempt = 0; ; attempt++) {
    const admin = newAdmin(connection, attempt);
    try {
      const left = Math.min(ATTEMPT_PATIENCE_MS, Math.max(1000, wait.leftMs));
      const noAnswer = () => messagingError('log_unavailable', 'no answer');
      return await unlessStopped(withDeadline(openTopic(admin, config, startLogger), left, noAnswer), stop);
    } catch (error) {
      const final = isKeroError(error, 'topic_missing', 'topic_unsafe', 'stopped');
      if (final) throw error;
      const { message, remedy, isFinal } = connectionProblem(error, config);
      const failure = messagingError('log_unavailable', message, { cause: error, remedy });
      if (isFinal || wait.leftMs < CONNECT_PAUSE_MS) throw failure;
      wait.failed(reasonOf(error));
      wait.goesOn(failure);
      await sleep(CONNECT_PAUSE_MS, stop);
    } finally {
      void admin.close().catch(() => {});
    }
  }
}

function newAdmin(connection: Connection, rotation: number): Admin {
  const admin = new Admin({
    ...clientOptions(connection, 'admin', rotation),
    retries: 2,
    retryDelay: 250,
    connectTimeout: 2000,
    requestTimeout: 5000,
  });
  admin.on('error', () => {});
  return admin;
}

interface OpenedTopic {
  readonly state: TopicState;
  readonly settings: Pick<TopicSettings, 'minInSyncReplicas' | 'maxMessageBytes'>;
}

async function openTopic(admin: Admin, config: KafkaConfig, logger: Logger): Promise<OpenedTopic> {
  const state = (await readTopicState(admin, config.topic)) ?? (await createTopic(admin, config, logger));
  const settings = await checkTopic(admin, state, config, logger);
  return { state, settings: settings ?? DEFAULT_SETTINGS };
}

class KafkaMessaging implements Messaging {
  readonly description: string;
  readonly #connection: Connection;
  readonly #config: KafkaConfig;
  readonly #opened: OpenedTopic;
  readonly #logger: Logger;
  readonly #open = new Set<Producer | Consumer | LagReader>();

  constructor(connection: Connection, config: KafkaConfig, opened: OpenedTopic, logger: Logger) {
    this.#connection = connection;
    this.#config = config;
    this.#opened = opened;
    this.#logger = logger;
    const partitions = opened.state.partitions.length;
    this.description = `Kafka ${addresses(config)}, topic ${config.topic}, ${partitions} partition${partitions === 1 ? '' : 's'}`;
  }

  async producer(): Promise<Producer> {
    const { state, settings } = this.#opened;
    const producer = new KafkaProducer({
      connection: this.#connection,
      config: this.#config,
      state,
      minInSync: settings.minInSyncReplicas,
      maxMessageBytes: settings.maxMessageBytes,
      logger: this.#logger,
    });
    this.#open.add(producer);
    return producer;
  }

  async consumer(groupId: string): Promise<Consumer> {
    const consumer = new KafkaConsumer({
      connection: this.#connection,
      topic: this.#config.topic,
      groupId,
      sessionTimeoutMs: this.#config.sessionTimeoutMs,
      logger: this.#logger,
    });
    this.#open.add(consumer);
    return consumer;
  }

  lagReader(groupId: string): LagReader {
    const reader = new KafkaLagReader({ connection: this.#connection, topic: this.#config.topic, groupId });
    this.#open.add(reader);
    return reader;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((opened) => opened.close()));
  }
}
