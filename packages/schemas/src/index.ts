export { builtInSchemas } from './built-in.ts';
export { checkData } from './check-data.ts';
export { compareSchemas, type SchemaChange, type SchemaComparison } from './compatibility/compare-schemas.ts';
export { eventTypeOfName, nameOfEventType } from './folder/file-name.ts';
export {
  type FolderProblem,
  type FolderSchema,
  listFolder,
  readSchemaFile,
  type SchemaFile,
} from './folder/read-folder.ts';
export { openSchemas } from './open-schemas.ts';
export { readSchema, type SchemaReading } from './read-schema.ts';
export { compileRegistered } from './registry/registered-schema.ts';
export { type CompatibilityVerdict, type RegisteredSchema, RegistryClient } from './registry/registry-client.ts';
export { type SchemaErrorCode, schemaError, schemaErrors } from './schema-errors.ts';
export {
  eventTypeOf,
  type RegistryConfig,
  type SchemaConfig,
  type SchemaSettings,
  schemaConfig,
  schemaSettings,
  subjectOf,
} from './schema-settings.ts';
export type { SchemaSource } from './schema-source.ts';
