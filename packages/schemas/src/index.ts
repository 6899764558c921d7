export { builtInSchemas } from './built-in.ts';
export { openSchemas } from './open-schemas.ts';
export { type SchemaErrorCode, schemaError, schemaErrors } from './schema-errors.ts';
export { type SchemaConfig, type SchemaSettings, schemaConfig, schemaSettings } from './schema-settings.ts';
export type { SchemaSource } from './schema-source.ts';
