import fc from 'fast-check';
import type { NewRecord, RecordHeader } from './messaging.ts';

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const header: fc.Arbitrary<RecordHeader> = fc.tuple(fc.constantFrom('kero-source', 'ce_ä', 'x'.repeat(70)), bytes);
const list = fc.oneof(
  fc.array(header, { maxLength: 5 }),
  // With those of its own a record gets 64 of them: their number then takes a byte more.
  fc.array(header, { minLength: 60, maxLength: 64 }),
);

/** Records of which some share one of a few lists with others, in any order; some lists are empty, and some records share nothing. */
export function mixedSharing(record: fc.Arbitrary<NewRecord>): fc.Arbitrary<NewRecord[]> {
  return fc.array(list, { minLength: 1, maxLength: 3 }).chain((lists) => {
    const shared = fc.option(fc.constantFrom(...lists), { nil: undefined, freq: 5 });
    const sharing = fc
      .tuple(record, shared)
      .map(([one, sharedHeaders]) => (sharedHeaders === undefined ? one : { ...one, sharedHeaders }));
    return fc.array(sharing, { minLength: 1, maxLength: 30 });
  });
}

/** The same record with all headers as its own. */
export function unshared({ key, value, headers, sharedHeaders = [] }: NewRecord): NewRecord {
  return { key, value, headers: [...headers, ...sharedHeaders] };
}
