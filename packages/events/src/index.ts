export type { Event, ParseOptions, ParseResult, Problem } from './event.ts';
export { type EventSettings, eventSettings } from './event-settings.ts';
export { computeEventId, formatUuid, type IdentityParts } from './identity.ts';
export { parseEvent } from './parse-event.ts';
export { type ProblemCode, problemCodes } from './problem-codes.ts';
export { compileSchema, type SchemaCheck } from './schema-check.ts';
export { eventSchema, type JsonSchema, purchaseSchema } from './schemas.ts';
export { formatTimestamp, type ParsedTimestamp, parseTimestamp } from './timestamp.ts';
export { builtInTypeSchemas, type TypeSchema, type TypeSchemaLookup, type TypeSchemas } from './type-schemas.ts';
