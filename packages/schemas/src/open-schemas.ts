import type { Logger } from '@kero/runtime';
import { openBuiltIn } from './built-in.ts';
import { openFolderSchemas } from './folder/folder-schemas.ts';
import { RegistrySchemas } from './registry/registry-schemas.ts';
import type { SchemaConfig } from './schema-settings.ts';
import type { SchemaSource } from './schema-source.ts';

/**
 * Opens the source that the configuration names. A folder with anything wrong in it is refused (`schema_invalid`); a registry that is
 * away is not: it is logged, and asked again when events come.
 */
export async function openSchemas(
  config: SchemaConfig,
  { logger }: { readonly logger: Logger },
): Promise<SchemaSource> {
  switch (config.driver) {
    case 'built_in':
      return openBuiltIn(config.unknownTypes);
    case 'folder':
      return openFolderSchemas({ ...config, logger });
    case 'registry': {
      const schemas = new RegistrySchemas({ config, logger });
      // So that a wrong address or password is told at the start, and not at the first event. The source logs it itself.
      schemas.load('purchase').catch(() => {});
      return schemas;
    }
  }
}
