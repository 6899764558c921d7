import eventSchemaJson from '../schemas/event.schema.json' with { type: 'json' };
import purchaseSchemaJson from '../schemas/purchase.schema.json' with { type: 'json' };

/** A JSON Schema of draft 2020-12, as it stands in the folder `schemas`. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The whole event, as far as a schema can say it. */
export const eventSchema: JsonSchema = eventSchemaJson;

/** `event_data` of events of the type `purchase`. */
export const purchaseSchema: JsonSchema = purchaseSchemaJson;
