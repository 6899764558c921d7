import { errorFactory } from '@kero/runtime';

/** Errors of the schemas of event types, the same for every source. */
export const schemaErrors = {
  schemas_unavailable: {
    retryable: true,
    meaning:
      'The schema of an event type cannot be had at this moment, so nobody can tell whether an event of the type is valid. The receiver answers 503, the processor waits.',
    remedy: 'Look at the registry. Receivers and processors go on by themselves once it answers; nothing is lost.',
  },
  schema_invalid: {
    retryable: false,
    meaning:
      'One or more schemas cannot be used: not JSON, not a schema of draft 2020-12, or in a file whose name says no event type. All of them are listed.',
    remedy: 'Correct the named files; `kero schemas check FOLDER` tells the same without a start.',
  },
  schema_refused: {
    retryable: false,
    meaning: 'The Schema Registry did not take a schema: it is not compatible with the one before it, or not valid.',
    remedy: 'Read the message. `kero schemas check FILE` names the member that breaks, with an example.',
  },
} as const;

export type SchemaErrorCode = keyof typeof schemaErrors;

export const schemaError = errorFactory<SchemaErrorCode>(schemaErrors);
