export { createReceiver, type Receiver, type ReceiverDependencies } from './app.ts';
export { type HttpProblemCode, type HttpProblemDefinition, httpProblems } from './http-problems.ts';
export { type RateLimitSettings, rateLimitSettings } from './limits/rate-limit-settings.ts';
export { type OpenApiOptions, openApiDocument } from './openapi/openapi-document.ts';
export type { ReceiverCounts } from './receiver-counts.ts';
export { receiverMetrics } from './receiver-metrics.ts';
export { receiverService } from './receiver-process.ts';
export {
  describeReceiver,
  type ReceiverServiceSettings,
  type RunningReceiver,
  receiverGroups,
  type StartReceiverDeps,
  startReceiver,
} from './receiver-service.ts';
export { type ReceiverSettings, receiverSettings } from './receiver-settings.ts';
