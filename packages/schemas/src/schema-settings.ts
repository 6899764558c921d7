import { duration, oneOf, setting, settingsGroup, text, type ValuesOf } from '@kero/runtime';

export const schemaSettings = settingsGroup(
  'Schemas',
  {
    directory: setting('SCHEMAS_DIR', text(), {
      description:
        'Folder with the JSON Schemas of event types: `<event_type>.json` or `<event_type>/<version>.json`. Changes are taken over while Kero runs.',
      example: './schemas',
    }),
    unknownTypes: setting('SCHEMA_UNKNOWN_TYPES', oneOf('accept', 'refuse'), {
      default: 'accept',
      description: 'What happens to events of a type that has no schema.',
    }),
    registryUrl: setting('SCHEMA_REGISTRY_URL', text(), {
      description:
        "Schema Registry with Confluent's REST API, in place of SCHEMAS_DIR: the URL that `/subjects` stands behind.",
      example: 'http://127.0.0.1:8081',
    }),
    registryUsername: setting('SCHEMA_REGISTRY_USERNAME', text(), { description: 'For HTTP basic authentication.' }),
    registryPassword: setting('SCHEMA_REGISTRY_PASSWORD', text(), {
      description: 'For HTTP basic authentication.',
      secret: true,
    }),
    registrySubject: setting('SCHEMA_REGISTRY_SUBJECT', text(), {
      default: '{topic}-{event_type}',
      description: 'The subject that holds the schema of a type. {topic} is KAFKA_TOPIC.',
    }),
    registryTimeoutMs: setting('SCHEMA_REGISTRY_TIMEOUT', duration(10), {
      default: '3s',
      description: 'Longest wait for one answer of the registry.',
    }),
    registryRefreshMs: setting('SCHEMA_REGISTRY_REFRESH', duration(100), {
      default: '30s',
      description:
        'After which time a schema is asked for again. While the registry is away, the one that is known serves on.',
    }),
  },
  (values) => {
    const problems: string[] = [];
    if (values.directory !== undefined && values.registryUrl !== undefined) {
      problems.push('SCHEMA_REGISTRY_URL: SCHEMAS_DIR is set too, and schemas come from one place: keep one of them');
    }
    if (values.registryUrl !== undefined) problems.push(...urlProblems(values.registryUrl));
    if (!values.registrySubject.includes('{event_type}')) {
      problems.push('SCHEMA_REGISTRY_SUBJECT: must contain {event_type}, or every type would have the same schema');
    }
    if ((values.registryUsername === undefined) !== (values.registryPassword === undefined)) {
      problems.push('SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD: set both, or none of them');
    }
    if (values.registryUsername?.includes(':')) {
      problems.push('SCHEMA_REGISTRY_USERNAME: basic authentication allows no colon in it');
    }
    return problems;
  },
);

export type SchemaSettings = ValuesOf<typeof schemaSettings>;

function urlProblems(text: string): string[] {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    return ['SCHEMA_REGISTRY_URL: expected a URL that begins with http:// or https://'];
  }
  if (url.username !== '' || url.password !== '') {
    return [
      'SCHEMA_REGISTRY_URL: contains a user or password, which would be printed with it: use SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD',
    ];
  }
  return url.search !== '' || url.hash !== '' ? ['SCHEMA_REGISTRY_URL: must end with its path'] : [];
}

/** Where schemas come from, chosen by the settings. */
export type SchemaConfig =
  | { readonly driver: 'built_in'; readonly unknownTypes: 'accept' | 'refuse' }
  | { readonly driver: 'folder'; readonly unknownTypes: 'accept' | 'refuse'; readonly directory: string }
  | RegistryConfig;

export interface RegistryConfig {
  readonly driver: 'registry';
  readonly unknownTypes: 'accept' | 'refuse';
  /** Without a slash at its end. */
  readonly url: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Gives the subject of an event type. */
  readonly subject: SubjectPattern;
  readonly timeoutMs: number;
  readonly refreshMs: number;
}

/** What stands before and behind the event type in the name of a subject. */
export interface SubjectPattern {
  readonly before: string;
  readonly behind: string;
}

export function schemaConfig(settings: SchemaSettings, context: { readonly topic: string }): SchemaConfig {
  const { unknownTypes, directory, registryUrl } = settings;
  if (registryUrl !== undefined) {
    const { registryUsername: username, registryPassword: password } = settings;
    const [before = '', behind = ''] = settings.registrySubject
      .replaceAll('{topic}', context.topic)
      .split('{event_type}', 2);
    return {
      driver: 'registry',
      unknownTypes,
      url: registryUrl.replace(/\/+$/, ''),
      ...(username !== undefined && password !== undefined && { credentials: { username, password } }),
      subject: { before, behind },
      timeoutMs: settings.registryTimeoutMs,
      refreshMs: settings.registryRefreshMs,
    };
  }
  if (directory !== undefined) return { driver: 'folder', unknownTypes, directory };
  return { driver: 'built_in', unknownTypes };
}

export function subjectOf({ before, behind }: SubjectPattern, eventType: string): string {
  return `${before}${eventType}${behind}`;
}

/** The event type of a subject; undefined for a subject of something else. */
export function eventTypeOf({ before, behind }: SubjectPattern, subject: string): string | undefined {
  const isOurs = subject.startsWith(before) && subject.endsWith(behind);
  return isOurs && subject.length > before.length + behind.length
    ? subject.slice(before.length, subject.length - behind.length)
    : undefined;
}
