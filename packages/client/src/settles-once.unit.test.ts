import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Client } from './client.ts';
import { KeroClientError } from './errors.ts';
import {
  type AnswerTo,
  advance,
  broken,
  idOf,
  problem,
  type SeenRequest,
  settle,
  silent,
} from './receiver-test-support.ts';

/**
 * A receiver whose answers fast-check chooses, and which knows the truth about each event: what it stored, and what it said no to.
 * As a real one, it says no to the same event every time.
 */
class ChosenReceiver {
  readonly stored = new Set<string>();
  readonly refused = new Set<string>();
  readonly answered = new Map<string, number>();
  readonly contents = new Map<string, Set<string>>();
  readonly #choices: readonly Choice[];
  readonly #bad: ReadonlySet<string>;
  #next = 0;

  constructor(choices: readonly Choice[], bad: ReadonlySet<string>) {
    this.#choices = choices;
    this.#bad = bad;
  }

  readonly answer: AnswerTo = (request, index) => {
    for (const [position, event] of request.events.entries()) {
      const id = String(event.event_id);
      this.contents.set(id, (this.contents.get(id) ?? new Set()).add(request.lines[position] ?? ''));
    }
    const choice = this.#choices[this.#next++] ?? { kind: 'items', again: [] };
    switch (choice.kind) {
      case 'items':
        return this.#itemByItem(request, choice.again);
      case 'stored then reset':
        this.#store(request);
        return broken(request, index);
      case 'stored then silence':
        this.#store(request);
        return silent(request, index);
      case 'stored then 500':
        this.#store(request);
        return problem(500, 'internal_error')(request, index);
      case 'reset':
        return broken(request, index);
      case 'silence':
        return silent(request, index);
      case '503':
        return problem(503, 'log_unavailable', { 'retry-after': '1' })(request, index);
      case '429':
        return problem(429, 'rate_limited', { 'retry-after': '2' })(request, index);
      case '413':
        return request.events.length > 1
          ? problem(413, 'body_too_large')(request, index)
          : this.#itemByItem(request, []);
    }
  };

  #store({ events }: SeenRequest): void {
    for (const { event_id } of events) if (!this.#bad.has(String(event_id))) this.stored.add(String(event_id));
  }

  #itemByItem({ events }: SeenRequest, again: readonly boolean[]): Response {
    const results = events.map((event, index) => {
      const id = String(event.event_id);
      if (this.#bad.has(id)) {
        this.refused.add(id);
        return { index, status: 'rejected', problem: { status: 422, detail: 'bad', retryable: false } };
      }
      if (again[index % again.length]) {
        return { index, status: 'rejected', problem: { status: 503, detail: 'later', retryable: true } };
      }
      this.stored.add(id);
      return { index, status: 'accepted', id: idOf(event) };
    });
    const accepted = results.filter(({ status }) => status === 'accepted').length;
    if (accepted === events.length) {
      return Response.json({ status: 'accepted', ids: events.map(idOf) }, { status: 202 });
    }
    const retryable = results.some((result) => result.problem?.retryable);
    return Response.json({ results }, { status: accepted > 0 ? 207 : retryable ? 503 : 422 });
  }
}

type Choice =
  | { readonly kind: 'items'; readonly again: readonly boolean[] }
  | {
      readonly kind:
        | 'stored then reset'
        | 'stored then silence'
        | 'stored then 500'
        | 'reset'
        | 'silence'
        | '503'
        | '429'
        | '413';
    };

const choice: fc.Arbitrary<Choice> = fc.oneof(
  fc.record({ kind: fc.constant('items' as const), again: fc.array(fc.boolean(), { maxLength: 5 }) }),
  fc.record({
    kind: fc.constantFrom(
      'stored then reset' as const,
      'stored then silence' as const,
      'stored then 500' as const,
      'reset' as const,
      'silence' as const,
      '503' as const,
      '429' as const,
      '413' as const,
    ),
  }),
);

const plan = fc.record({
  choices: fc.array(choice, { maxLength: 40 }),
  /** For each event: whose it is, whether the receiver will refuse it, and how long after the one before it is sent. */
  events: fc.array(fc.record({ user: fc.nat(3), isBad: fc.boolean(), pauseMs: fc.constantFrom(0, 0, 0, 3, 700) }), {
    minLength: 1,
    maxLength: 25,
  }),
  maxEvents: fc.integer({ min: 1, max: 8 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  /** Some clients are closed in the middle, with a limit. */
  closeAfterMs: fc.option(fc.nat(3000)),
});

test('whatever the receiver answers, each event settles once, and rightly', { timeout: 280_000 }, async (t) => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ choices, events, maxEvents, concurrency, closeAfterMs }) => {
      t.mock.timers.reset();
      t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.parse('2026-11-23T10:00:00Z') });
      const bad = new Set(events.flatMap(({ isBad }, index) => (isBad ? [`${index}`] : [])));
      const receiver = new ChosenReceiver(choices, bad);
      let requests = 0;
      const fetch = async (url: string, init: RequestInit) => {
        const lines = Buffer.from(init.body as Uint8Array)
          .toString('utf8')
          .trimEnd()
          .split('\n');
        const request = { url, headers: new Headers(), lines, events: lines.map((line) => JSON.parse(line)) };
        return receiver.answer(request, requests++);
      };
      const client = new Client(
        {
          url: 'http://receiver.test',
          gzip: false,
          fetch,
          concurrency,
          batch: { maxEvents },
          deadlineMs: 20_000,
          requestTimeoutMs: 2000,
        },
        { random: () => 0.5 },
      );
      const settled = new Map<string, (string | KeroClientError)[]>();
      const note = (id: string, outcome: string | KeroClientError) =>
        settled.set(id, [...(settled.get(id) ?? []), outcome]);
      for (const [index, { user, pauseMs }] of events.entries()) {
        if (pauseMs > 0) await advance(t, pauseMs, 100);
        const id = `${index}`;
        client.send({ event_id: id, user_id: `user-${user}`, event_type: 'view', event_data: {} }).then(
          (accepted) => note(id, accepted.id),
          (error: KeroClientError) => note(id, error),
        );
      }
      if (closeAfterMs !== null) {
        await advance(t, closeAfterMs, 100);
        void client.close({ timeoutMs: 1000 });
      }
      await advance(t, 20_100, 100);
      await settle();

      for (const [index] of events.entries()) {
        const id = `${index}`;
        const outcomes = settled.get(id) ?? [];
        assert.equal(outcomes.length, 1, `event ${id} settled ${outcomes.length} times`);
        const [outcome] = outcomes;
        assert.ok((receiver.contents.get(id)?.size ?? 0) <= 1, 'every attempt has the same bytes');
        if (!(outcome instanceof KeroClientError)) {
          assert.equal(outcome, `id-of-${id}`, 'the id is its own');
          assert.ok(receiver.stored.has(id), 'a yes is the truth');
          assert.ok(!bad.has(id), 'what was refused is never a yes');
        } else if (outcome.code === 'refused') {
          assert.ok(receiver.refused.has(id) && !receiver.stored.has(id), 'a no is the truth');
        } else if (outcome.code === 'not_sent') {
          assert.ok(!receiver.stored.has(id), 'what is called not sent is not stored');
        } else {
          assert.equal(outcome.code, 'unknown_outcome');
          assert.ok(receiver.contents.has(id), 'what is called unknown was sent');
        }
      }
    }),
    { numRuns: 150 },
  );
});
