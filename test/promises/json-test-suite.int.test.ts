import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, type ReceiverUnderTest, startTestReceiver } from '../../apps/receiver/src/receiver-under-test.ts';
import { type JsonCase, jsonTestSuite } from '../../packages/events/src/json/json-test-suite.ts';

/**
 * JSONTestSuite through the API: as a body, and as a part of an event in every format. What the suite or a rule of Kero forbids is a
 * 4xx with place and code, and is not in the log; what is accepted is in it, byte for byte.
 */

interface ErrorItem {
  readonly pointer: unknown;
  readonly code: unknown;
}

/** The errors of the request, or of the one item of its batch. */
function errorsOf({ json }: Answer): readonly ErrorItem[] {
  const { errors, results } = json as { errors?: ErrorItem[]; results?: { problem: { errors?: ErrorItem[] } }[] };
  return errors ?? results?.[0]?.problem.errors ?? [];
}

function assertRefused(answer: Answer, status: number, about: string): void {
  assert.equal(answer.status, status, `${about}: ${answer.text}`);
  for (const { pointer, code } of errorsOf(answer)) {
    assert.equal(typeof pointer, 'string', about);
    assert.match(String(code), /^[a-z_0-9]+$/, about);
  }
}

/** 400 for what is not JSON, 422 for JSON that is no event. */
function statusOf({ code }: JsonCase): number {
  return code === undefined || code === 'invalid_utf8' || code === 'byte_order_mark' ? 400 : 422;
}

interface Format {
  readonly name: string;
  readonly post: (receiver: ReceiverUnderTest, one: JsonCase) => Promise<Answer>;
  /** The text around a case in the record; the case is a member of event_data. */
  readonly record: readonly [before: (name: string) => string, after: string];
}

const TIME = '2026-11-23T09:59:58Z';

const EVENT = (name: string) =>
  `{"user_id":"u","event_type":"view","event_timestamp":"${TIME}","event_id":"${name}","event_data":{"x":`;

const CLOUD_EVENT = (name: string) =>
  `{"specversion":"1.0","id":"${name}","source":"/s","type":"view","subject":"u","time":"${TIME}","data":{"x":`;

const CLOUD_EVENT_RECORD = [
  (name: string) =>
    `{"user_id":"u","event_type":"view","event_timestamp":"${TIME}","event_id":"${name}","source":"/s","event_data":{"x":`,
  '}}',
] as const;

function around(before: string, { bytes }: JsonCase, after: string): Buffer {
  return Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);
}

const FORMATS: readonly Format[] = [
  {
    name: 'an event',
    post: (receiver, one) => receiver.post(around(EVENT(one.name), one, '}}')),
    record: [EVENT, '}}'],
  },
  {
    name: 'an event in an array',
    post: (receiver, one) => receiver.post(around(`[${EVENT(one.name)}`, one, '}}]')),
    record: [EVENT, '}}'],
  },
  {
    name: 'a CloudEvent in structured mode',
    post: (receiver, one) =>
      receiver.post(around(CLOUD_EVENT(one.name), one, '}}'), { 'content-type': 'application/cloudevents+json' }),
    record: CLOUD_EVENT_RECORD,
  },
  {
    name: 'a CloudEvent in binary mode',
    post: (receiver, one) =>
      receiver.post(around('{"x":', one, '}'), {
        ...{ 'ce-specversion': '1.0', 'ce-id': one.name, 'ce-source': '/s', 'ce-type': 'view' },
        ...{ 'ce-subject': 'u', 'ce-time': TIME },
      }),
    record: CLOUD_EVENT_RECORD,
  },
];

describe('JSONTestSuite', () => {
  test('as a body: no case is an event, and each is a 400 or a 422 that says where and why', async (t) => {
    const receiver = await startTestReceiver(t);
    for (const one of jsonTestSuite) {
      const answer = await receiver.post(one.bytes);
      assertRefused(answer, statusOf(one), one.name);
      if (answer.json.type !== 'urn:kero:problem:empty_batch') assert.ok(errorsOf(answer).length > 0, one.name);
    }
    assert.deepEqual(await receiver.records(), []);
  });

  for (const { name, post, record } of FORMATS) {
    test(`in the data of ${name}: each case is in the log byte for byte, or refused and not there`, async (t) => {
      const receiver = await startTestReceiver(t);
      const accepted: string[] = [];
      for (const one of jsonTestSuite) {
        const answer = await post(receiver, one);
        if (one.code === '') {
          assert.equal(answer.status, 202, `${one.name}: ${answer.text}`);
          accepted.push(around(record[0](one.name), one, record[1]).toString('latin1'));
        } else {
          assertRefused(answer, statusOf(one), one.name);
          const codes = errorsOf(answer).map((error) => error.code);
          if (one.code !== undefined && one.code !== 'byte_order_mark') assert.ok(codes.includes(one.code), one.name);
        }
      }
      assert.ok(accepted.length > 80);
      const values = (await receiver.records()).map((entry) => entry.value?.toString('latin1'));
      assert.deepEqual(values.sort(), accepted.sort());
    });
  }
});
