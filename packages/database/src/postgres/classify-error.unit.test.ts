import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import pg from 'pg';
import {
  classifyError,
  type ErrorKind,
  errorRules,
  isMissingPartition,
  leavesConnectionUsable,
  toDatabaseError,
} from './classify-error.ts';

function serverError(code: string, fields: Partial<pg.DatabaseError> = {}): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError('what the server says', 0, 'error'), {
    code,
    severity: 'ERROR',
    ...fields,
  });
}

const KINDS: [code: string, name: string, kind: ErrorKind][] = [
  ['22021', 'character not in repertoire (U+0000 in text)', 'data_refused'],
  ['22P05', 'untranslatable character (U+0000 in jsonb)', 'data_refused'],
  ['22P02', 'invalid text representation (not JSON)', 'data_refused'],
  ['22003', 'numeric value out of range', 'data_refused'],
  ['22P03', 'invalid binary representation: a column of another type', 'database_misconfigured'],
  ['22P04', 'bad copy file format: other columns', 'database_misconfigured'],
  ['P0001', 'raised by a trigger of somebody', 'database_misconfigured'],
  ['22001', 'string data right truncation', 'data_refused'],
  ['23502', 'not null violation', 'data_refused'],
  ['54000', 'program limit exceeded (an index entry too long)', 'data_refused'],
  ['54001', 'statement too complex (nesting)', 'data_refused'],
  ['23505', 'unique violation', 'database_unavailable'],
  ['08006', 'connection failure', 'database_unavailable'],
  ['08P01', 'protocol violation', 'database_unavailable'],
  ['25006', 'read only transaction', 'database_unavailable'],
  ['25P02', 'in failed transaction', 'database_unavailable'],
  ['25P03', 'idle in transaction timeout', 'database_unavailable'],
  ['40001', 'serialization failure', 'database_unavailable'],
  ['40P01', 'deadlock detected', 'database_unavailable'],
  ['53100', 'disk full', 'database_unavailable'],
  ['53200', 'out of memory, or of locks', 'database_unavailable'],
  ['53300', 'too many connections', 'database_unavailable'],
  ['55P03', 'lock not available', 'database_unavailable'],
  ['55000', 'object not in prerequisite state', 'database_unavailable'],
  ['57014', 'query cancelled (statement timeout)', 'database_unavailable'],
  ['57P01', 'admin shutdown', 'database_unavailable'],
  ['57P02', 'crash shutdown', 'database_unavailable'],
  ['57P03', 'cannot connect now', 'database_unavailable'],
  ['58030', 'io error', 'database_unavailable'],
  ['58P01', 'undefined file', 'database_unavailable'],
  ['XX000', 'internal error', 'database_unavailable'],
  ['XX001', 'data corrupted', 'database_unavailable'],
  ['21000', 'cardinality violation: a mistake of ours, not of the data', 'database_unavailable'],
  ['0A000', 'feature not supported', 'database_unavailable'],
  ['ZZ999', 'a code that nobody knows', 'database_unavailable'],
  ['28P01', 'wrong password', 'database_misconfigured'],
  ['28000', 'role may not connect', 'database_misconfigured'],
  ['3D000', 'database does not exist', 'database_misconfigured'],
  ['42501', 'insufficient privilege', 'database_misconfigured'],
  ['42P01', 'table does not exist', 'database_misconfigured'],
  ['42703', 'column does not exist', 'database_misconfigured'],
  ['42883', 'function does not exist', 'database_misconfigured'],
  ['42P10', 'no unique index for ON CONFLICT', 'database_misconfigured'],
];

/** Appendix A of the manual of PostgreSQL; 10 came with version 17, 72 went with it. */
const CLASSES = (
  '00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 53 54 55 57 58 72 ' +
  'F0 HV P0 XX'
).split(' ');

describe('what an error of PostgreSQL means', () => {
  for (const [code, name, kind] of KINDS) {
    test(`${code} ${name}: ${kind}`, () => {
      const error = toDatabaseError(serverError(code), 'storing a batch');
      assert.equal(error.code, kind);
      assert.equal(error.retryable, kind !== 'data_refused');
      assert.match(error.message, new RegExp(`^storing a batch: .*\\(${code}: what the server says\\)$`));
    });
  }

  test('only the classes 22, 23 and 54 are ever bad data', () => {
    const refused = errorRules.filter((rule) => rule.kind === 'data_refused').map((rule) => rule.state);
    assert.deepEqual(refused, ['22', '23', '23505', '54']);
  });

  test('every class that PostgreSQL has is named, and none twice', () => {
    const plain = errorRules.filter((rule) => rule.when === undefined).map((rule) => rule.state);
    assert.equal(new Set(plain).size, plain.length);
    assert.deepEqual(plain.filter((state) => state.length === 2).sort(), CLASSES);
  });

  test('a unique index: the key of events means look again, another one of events bad data, any other an outage', () => {
    const violation = (table: string, constraint: string, detail = '') =>
      classifyError(serverError('23505', { table, constraint, detail })).kind;
    const ownKey = 'Key (event_timestamp, id)=(2026-11-23 10:00:00+00, 01a2) already exists.';
    assert.equal(violation('events_2026_11', 'events_2026_11_pkey', ownKey), 'database_unavailable');
    assert.equal(violation('events_2026_11', 'events_2026_11_pkey'), 'database_unavailable');
    assert.equal(violation('events_mine', 'renamed', ownKey), 'database_unavailable');
    assert.equal(violation('events_2026_11', 'only_one', 'Key (event_id)=(x) already exists.'), 'data_refused');
    assert.equal(violation('dead_letters', 'somebodys', 'Key (reason)=(x) already exists.'), 'database_unavailable');
    assert.equal(violation('pg_class', 'pg_class_relname_nsp_index'), 'database_unavailable');
  });

  test('a check of a table is bad data, a row without a partition is not, although both are 23514', () => {
    assert.equal(classifyError(serverError('23514', { constraint: 'a_check' })).kind, 'data_refused');
    assert.ok(!isMissingPartition(serverError('23514', { constraint: 'a_check' })));
    assert.equal(classifyError(serverError('23514')).kind, 'database_misconfigured');
    assert.ok(isMissingPartition(serverError('23514')));
  });

  const socketErrors = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'];
  for (const code of socketErrors) {
    test(`${code}: database_unavailable`, () => {
      assert.equal(classifyError(Object.assign(new Error(`connect ${code}`), { code })).kind, 'database_unavailable');
    });
  }

  for (const [message, kind] of [
    ['Connection terminated unexpectedly', 'database_unavailable'],
    ['Query read timeout', 'database_unavailable'],
    ['timeout expired', 'database_unavailable'],
    ['Cannot read properties of undefined', 'database_unavailable'],
    ['SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string', 'database_misconfigured'],
    ['The server does not support SSL connections', 'database_misconfigured'],
    ['self-signed certificate in certificate chain', 'database_misconfigured'],
    ["Hostname/IP does not match certificate's altnames: ...", 'database_misconfigured'],
  ] as const) {
    test(`"${message}": ${kind}`, () => {
      assert.equal(classifyError(new Error(message)).kind, kind);
    });
  }

  test('what was thrown need not be an error', () => {
    assert.equal(classifyError(undefined).kind, 'database_unavailable');
    assert.equal(classifyError('text').kind, 'database_unavailable');
  });
});

describe('a connection after an error', () => {
  test('survives what the server calls an ERROR', () => {
    assert.ok(leavesConnectionUsable(serverError('23505')));
    assert.ok(leavesConnectionUsable(serverError('40P01')));
  });

  test('is given up after FATAL, after a broken socket, and on a server that became read-only', () => {
    assert.ok(!leavesConnectionUsable(serverError('57P01', { severity: 'FATAL' })));
    assert.ok(!leavesConnectionUsable(new Error('Query read timeout')));
    assert.ok(!leavesConnectionUsable(serverError('25006')));
  });
});
