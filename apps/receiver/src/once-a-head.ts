import type { RequestHead } from './exchange.ts';

/**
 * Reads of a head what its bytes alone decide. Where one head stands for many requests of a connection, it is read once for all of
 * them. `read` is pure.
 */
export function onceAHead<Result>(read: (head: RequestHead) => Result): (head: RequestHead) => Result {
  const known = new WeakMap<RequestHead, { readonly result: Result }>();
  return (head) => {
    if (!head.memory) return read(head);
    let entry = known.get(head);
    if (!entry) {
      entry = { result: read(head) };
      known.set(head, entry);
    }
    return entry.result;
  };
}
