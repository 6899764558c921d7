/**
 * `read`, a pure function of bytes, that remembers its last answer: neighbours in the log have mostly equal headers, and to
 * compare bytes costs a fraction of reading them. Keeps a copy, so that it holds no larger buffer in memory.
 */
export function rememberLast<T>(read: (bytes: Buffer) => T): (bytes: Buffer) => T {
  let last: { readonly bytes: Buffer; readonly answer: T } | undefined;
  return (bytes) => {
    if (last?.bytes.equals(bytes)) return last.answer;
    const answer = read(bytes);
    last = { bytes: Buffer.from(bytes), answer };
    return answer;
  };
}
