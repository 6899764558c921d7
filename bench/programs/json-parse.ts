/** The baseline of batches: what it costs to make objects of the same bytes, and nothing else. */
import { ClockText, EventRequest } from '../load/event-requests.ts';
import { offer } from '../support/program.ts';

offer({
  /** Events a second. */
  parse: ({ batch, seconds }: { batch: number; seconds: number }) => {
    const request = new EventRequest({ batch, headers: {} });
    const clock = new ClockText();
    clock.update(Date.now());
    request.fill(0, clock);
    const body = request.bytes.subarray(request.bytes.length - request.bodyBytes);
    const startedAt = performance.now();
    let events = 0;
    while (performance.now() - startedAt < seconds * 1000) events += (JSON.parse(body.toString()) as unknown[]).length;
    return (events / (performance.now() - startedAt)) * 1000;
  },
});
