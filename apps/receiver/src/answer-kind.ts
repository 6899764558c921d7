import { STATUS_CODES } from 'node:http';

/** What is the same in many answers: made once. */
export interface AnswerKind {
  readonly status: number;
  /** Name, value, name, value. */
  readonly headers: readonly string[];
  /** Status line and these headers as they are sent, each line with its end. */
  readonly text: string;
}

/** `headers`: name, value, name, value. */
export function answerKind(status: number, headers: readonly string[]): AnswerKind {
  return { status, headers, text: `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headerLines(headers)}` };
}

/** The kinds of answers that have the same headers, by status; each made when it is first wanted. */
export function answerKinds(headers: readonly string[]): (status: number) => AnswerKind {
  const kinds = new Map<number, AnswerKind>();
  return (status) => {
    let kind = kinds.get(status);
    if (!kind) {
      kind = answerKind(status, headers);
      kinds.set(status, kind);
    }
    return kind;
  };
}

/** name, value, name, value -> a line for each */
export function headerLines(headers: readonly string[]): string {
  let text = '';
  for (let at = 0; at < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return text;
}
