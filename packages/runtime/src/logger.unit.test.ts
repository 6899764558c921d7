import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from './logger.ts';

function linesOf(format: 'json' | 'pretty', worker: number | undefined): string[] {
  const lines: string[] = [];
  const destination = { write: (text: string) => void lines.push(text) };
  createLogger({ level: 'info', format, name: 'test', worker, destination }).info('hello');
  return lines;
}

test('each line of a worker says which one it is, for machines and for people', () => {
  const [json = ''] = linesOf('json', 2);
  assert.deepEqual([JSON.parse(json).worker, JSON.parse(json).msg], [2, 'hello']);
  assert.match(linesOf('pretty', 2).join(''), /: worker 2: hello\n$/);
});

test('where there are no workers nothing is said of them', () => {
  assert.equal('worker' in JSON.parse(linesOf('json', undefined)[0] ?? ''), false);
  assert.match(linesOf('pretty', undefined).join(''), /INFO.*: hello\n$/);
});
