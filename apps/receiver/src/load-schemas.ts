import type { SchemaSource } from '@kero/schemas';

/** A batch may name thousands of types; whoever keeps the schemas is not asked for all of them at once. */
const AT_A_TIME = 16;

/**
 * Fetches the schemas of event types. Resolves when all are there, or have failed, or the deadline is over; never rejects. What is
 * missing then shows when the events are parsed again. The answer is the first failure, for the log line.
 */
export async function loadSchemas(
  schemas: SchemaSource,
  eventTypes: Iterable<string>,
  deadlineMs: number,
): Promise<unknown> {
  const types = eventTypes[Symbol.iterator]();
  let failure: unknown;
  let isOver = false;
  const loadOneAfterTheOther = async () => {
    for (let next = types.next(); !next.done && !isOver; next = types.next()) {
      try {
        await schemas.load(next.value);
      } catch (error) {
        failure ??= error;
      }
    }
  };
  const { promise: deadline, resolve: onDeadline } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    failure ??= new Error(`the schemas were not there within ${deadlineMs} ms (RECEIVER_DEADLINE)`);
    onDeadline();
  }, deadlineMs);
  await Promise.race([deadline, Promise.all(Array.from({ length: AT_A_TIME }, loadOneAfterTheOther))]);
  isOver = true;
  clearTimeout(timer);
  return failure;
}
