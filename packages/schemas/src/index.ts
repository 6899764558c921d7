export { builtInSchemas } from './built-in.ts';
export type { SchemaSource } from './schema-source.ts';
