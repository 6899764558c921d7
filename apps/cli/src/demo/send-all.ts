import type { DemoRequest } from './demo-events.ts';

/** How one request ended. `id` is the id that the answer gave. */
export interface Answer {
  readonly request: DemoRequest;
  readonly status: number;
  readonly id: string | undefined;
}

/** Posts all requests over a few connections, in order of the list; resolves to an answer for each. */
export async function sendAll(
  url: string,
  requests: readonly DemoRequest[],
  options: { readonly concurrency: number; readonly onProgress: (done: number) => void; readonly stop: AbortSignal },
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const client = async () => {
    for (let request = requests[next++]; request && !options.stop.aborted; request = requests[next++]) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: request.body,
      });
      const answer = (await response.json()) as { id?: string };
      answers.push({ request, status: response.status, id: answer.id });
      options.onProgress(answers.length);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, client));
  return answers;
}
