import {
  boolean,
  duration,
  type HostPort,
  hostPorts,
  integer,
  type KeroError,
  oneOf,
  setting,
  settingsGroup,
  settingsInvalid,
  text,
  type ValuesOf,
} from '@kero/runtime';

export const messagingSettings = settingsGroup(
  'Messaging',
  {
    brokers: setting('KAFKA_BOOTSTRAP_SERVERS', hostPorts(), {
      description: 'Kafka brokers, all of them. Without it messaging is embedded (a log in KERO_DATA_DIR).',
      example: '127.0.0.1:9092',
    }),
    topic: setting('KAFKA_TOPIC', text(), { default: 'incoming_events', description: 'Topic the events go through.' }),
    groupId: setting('KAFKA_GROUP_ID', text(), {
      default: 'consumer_group',
      description: 'Consumer group of the processors.',
    }),
    sessionTimeoutMs: setting('KAFKA_SESSION_TIMEOUT', duration(1000), {
      default: '10s',
      description:
        'How long a processor may give no sign of life before its partitions go to others. Brokers take 6s to 30m, unless set otherwise.',
    }),
    compression: setting('KAFKA_COMPRESSION', oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd'), {
      default: 'none',
      description: 'Compression of records. Some other consumers cannot read snappy or zstd without an extra library.',
    }),
    securityProtocol: setting('KAFKA_SECURITY_PROTOCOL', oneOf('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'), {
      default: 'PLAINTEXT',
      description: 'How to talk to the brokers.',
    }),
    saslMechanism: setting('KAFKA_SASL_MECHANISM', oneOf('PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'), {
      default: 'SCRAM-SHA-512',
      description: 'Used with SASL_PLAINTEXT and SASL_SSL.',
    }),
    saslUsername: setting('KAFKA_SASL_USERNAME', text(), { description: 'Used with SASL_PLAINTEXT and SASL_SSL.' }),
    saslPassword: setting('KAFKA_SASL_PASSWORD', text(), {
      description: 'Used with SASL_PLAINTEXT and SASL_SSL.',
      secret: true,
    }),
    sslCaFile: setting('KAFKA_SSL_CA_FILE', text(), {
      description: 'PEM file with the CA of the brokers, for SSL and SASL_SSL; without it the CAs that Node trusts.',
    }),
    strictTopic: setting('KAFKA_STRICT_TOPIC', boolean(), {
      default: 'false',
      description: 'Refuse to start where an unsafe topic is otherwise only warned about (see docs/guarantees.md).',
    }),
    topicCreate: setting('KAFKA_TOPIC_CREATE', boolean(), {
      default: 'false',
      description: 'Create the topic at start when it is missing.',
    }),
    topicPartitions: setting('KAFKA_TOPIC_PARTITIONS', integer(1, 10_000), {
      default: '6',
      description: 'Partitions of a topic that Kero creates.',
    }),
    topicReplication: setting('KAFKA_TOPIC_REPLICATION', integer(1, 100), {
      default: '3',
      description: 'Replication factor of a topic that Kero creates; min.insync.replicas becomes one less, at least 1.',
    }),
    logRetentionMs: setting('LOG_RETENTION', duration(), {
      default: '24h',
      description: 'Embedded log only: how long records are kept after they were stored.',
    }),
  },
  (values) => {
    const problems: string[] = [];
    if (values.securityProtocol?.startsWith('SASL')) {
      if (!values.saslUsername) problems.push(`KAFKA_SASL_USERNAME: needed with ${values.securityProtocol}`);
      if (!values.saslPassword) problems.push(`KAFKA_SASL_PASSWORD: needed with ${values.securityProtocol}`);
    }
    if (!/^\S{1,255}$/.test(values.groupId)) {
      problems.push('KAFKA_GROUP_ID: expected 1 to 255 characters without blanks');
    }
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(values.topic)) {
      problems.push('KAFKA_TOPIC: expected 1 to 249 letters, digits, dots, underscores or hyphens');
    }
    return problems;
  },
);

export type MessagingSettings = ValuesOf<typeof messagingSettings>;

export interface KafkaConfig {
  readonly driver: 'kafka';
  readonly brokers: readonly HostPort[];
  readonly topic: string;
  /** After which silence a member of the group counts as dead, in milliseconds. */
  readonly sessionTimeoutMs: number;
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  readonly securityProtocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  readonly sasl?: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
    username: string;
    password: string;
  };
  readonly sslCaFile?: string;
  readonly strictTopic: boolean;
  /** Undefined: a missing topic is an error. */
  readonly createTopic?: { readonly partitions: number; readonly replication: number };
  /** Largest record (key, value and headers) that Kero will append, in bytes; the topic must take it. */
  readonly maxRecordBytes: number;
  readonly clientId: string;
  /** Where an embedded log may be left from before: opening is refused while it holds records that were not stored. */
  readonly leftBehind?: { readonly directory: string; readonly groupId: string };
}

export interface EmbeddedConfig {
  readonly driver: 'embedded';
  /** Folder of the log's files; one process owns it. */
  readonly directory: string;
  readonly retentionMs: number;
  readonly maxRecordBytes: number;
}

/** The tagged choice of a driver: one exhaustive switch in open-messaging.ts builds it. */
export type MessagingConfig = KafkaConfig | EmbeddedConfig;

/** What a configuration chooses, for the first log line: `embedded log in ...` or `Kafka host:port, topic ...`. */
export function describeMessagingConfig(config: MessagingConfig): string {
  if (config.driver === 'embedded') return `embedded log in ${config.directory}`;
  return `Kafka ${config.brokers.map(({ host, port }) => `${host}:${port}`).join(', ')}, topic ${config.topic}`;
}

/** What key and headers add to the text of an event at most: user_id and source of 256 code points, and the small rest. */
const RECORD_OVERHEAD_BYTES = 4096;

export function messagingConfig(
  settings: MessagingSettings,
  context: { readonly dataDirectory: string; readonly clientId: string; readonly maxEventBytes: number },
): MessagingConfig {
  const maxRecordBytes = context.maxEventBytes + RECORD_OVERHEAD_BYTES;
  const directory = `${context.dataDirectory}/messaging`;
  if (!settings.brokers) {
    return {
      driver: 'embedded',
      directory,
      retentionMs: settings.logRetentionMs,
      maxRecordBytes,
    };
  }
  const usesSasl = settings.securityProtocol.startsWith('SASL');
  return {
    driver: 'kafka',
    brokers: settings.brokers,
    topic: settings.topic,
    sessionTimeoutMs: settings.sessionTimeoutMs,
    compression: settings.compression,
    securityProtocol: settings.securityProtocol,
    ...(usesSasl && {
      sasl: {
        mechanism: settings.saslMechanism,
        username: settings.saslUsername ?? '',
        password: settings.saslPassword ?? '',
      },
    }),
    ...(settings.sslCaFile && { sslCaFile: settings.sslCaFile }),
    strictTopic: settings.strictTopic,
    ...(settings.topicCreate && {
      createTopic: { partitions: settings.topicPartitions, replication: settings.topicReplication },
    }),
    maxRecordBytes,
    clientId: context.clientId,
    leftBehind: { directory, groupId: settings.groupId },
  };
}

/** The error for a process of its own without Kafka: the embedded log lives in one process. */
export function needsKafka(command: 'receiver' | 'processor'): KeroError {
  return settingsInvalid([
    `KAFKA_BOOTSTRAP_SERVERS: needed by a ${command} that runs on its own, because embedded messaging lives inside one process; set it, or run both in one process with \`kero start\``,
  ]);
}
