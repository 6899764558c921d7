/**
 * Where the fields of a batch of records begin, as it is sent and as it stands in the log: format 2, since Kafka 0.11
 * (https://kafka.apache.org/documentation/#recordbatch).
 */
export const FORMAT = 2;

export const FIRST_OFFSET_AT = 0;
/** Of what follows it. */
export const LENGTH_AT = 8;
export const LENGTH_END = 12;
export const LEADER_EPOCH_AT = 12;
export const FORMAT_AT = 16;
export const CRC_AT = 17;
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
export const FIRST_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
export const PRODUCER_ID_AT = 43;
export const PRODUCER_EPOCH_AT = 51;
export const SEQUENCE_AT = 53;
export const RECORD_COUNT_AT = 57;
export const RECORDS_AT = 61;

/** Bits of the attributes. */
export const COMPRESSION = 0b111;
export const LOG_APPEND_TIME = 1 << 3;
export const TRANSACTIONAL = 1 << 4;
export const CONTROL = 1 << 5;
