import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileUserSchema } from '@kero/events';
import { checkData } from './check-data.ts';

test('stored data is checked by the names that it has, and by no others', () => {
  JSON.parse('{"h":[],"\\\\":0}');
  const check = compileUserSchema({ required: ['"', 'constructor'] });
  assert.deepEqual(
    checkData(check, '{"h":1,"\\"":2}').map(({ pointer, code }) => `${pointer} ${code}`),
    ['/event_data/constructor missing_member'],
  );
});
