export { type CircuitOptions, type CircuitProducer, withCircuit } from './circuit-breaker.ts';
export { type ConnectedMessaging, connectMessaging, shareMessaging } from './connect-messaging.ts';
export { countUnstored } from './embedded/count-unstored.ts';
export { type KnownLag, LagWatch, type LagWatchOptions } from './lag-watch.ts';
export type {
  AppendOptions,
  Consumer,
  LagReader,
  LogRecord,
  Messaging,
  NewRecord,
  PartitionLag,
  Producer,
  ReadOptions,
  ReadPosition,
  RecordBatch,
  RecordHeader,
} from './messaging.ts';
export { AppendError, type MessagingErrorCode, messagingError, messagingErrors } from './messaging-errors.ts';
export { addCircuitMetrics, addLagMetrics, circuitMetrics, lagMetrics } from './messaging-metrics.ts';
export {
  describeMessagingConfig,
  type EmbeddedConfig,
  type KafkaConfig,
  type MessagingConfig,
  type MessagingSettings,
  messagingConfig,
  messagingSettings,
  needsKafka,
} from './messaging-settings.ts';
export {
  type OffsetAdmin,
  openOffsetAdmin,
  type PartitionPosition,
  type PositionState,
  positionLag,
  positionState,
  type SkipResult,
  whyNotSkip,
} from './offset-admin.ts';
export { type OpenMessagingContext, openMessaging } from './open-messaging.ts';
export { partitionForKey } from './partition-for-key.ts';
