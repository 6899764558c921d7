import type { KafkaConfig } from '@kero/messaging';
import type { KafkaCluster } from './kafka-cluster.ts';

/** A driver configuration for the cluster, with what a test wants different. */
export function kafkaConfig(kafka: KafkaCluster, topic: string, changes: Partial<KafkaConfig> = {}): KafkaConfig {
  return {
    driver: 'kafka',
    brokers: kafka.brokers,
    topic,
    sessionTimeoutMs: 10_000,
    compression: 'none',
    securityProtocol: 'PLAINTEXT',
    strictTopic: false,
    maxRecordBytes: 256 * 1024,
    clientId: 'kero-test',
    ...changes,
  };
}
