import { type HttpProblemCode, type HttpProblemDefinition, httpProblems, problemBody } from '../http-problems.ts';
import { batchProblemExample } from './batches.ts';
import type { OpenApiOptions } from './openapi-document.ts';
import { REQUEST_ID, REQUEST_ID_HEADER } from './request-id-header.ts';

/** Of other routes. */
const OTHER_PROBLEMS: ReadonlySet<string> = new Set<HttpProblemCode>(['not_found', 'method_not_allowed']);

/** Only where clients have to show who they are. */
const AUTH_PROBLEMS: ReadonlySet<string> = new Set<HttpProblemCode>([
  'misplaced_credentials',
  'unauthorized',
  'missing_scope',
  'source_not_allowed',
  'auth_unavailable',
]);

/** The problems that POST /api/v1/events can answer with. */
export function eventProblems({ credentials }: Pick<OpenApiOptions, 'credentials'>): HttpProblemCode[] {
  const codes = Object.keys(httpProblems) as HttpProblemCode[];
  return codes.filter((code) => !OTHER_PROBLEMS.has(code) && (credentials !== undefined || !AUTH_PROBLEMS.has(code)));
}

/** One response a status; each of its codes is an example. */
export function problemResponses(codes: readonly HttpProblemCode[]): Record<string, unknown> {
  const byStatus = Map.groupBy(codes, (code) => httpProblems[code].status);
  return Object.fromEntries([...byStatus].map(([status, group]) => [status, problemResponse(group)]));
}

function problemResponse(codes: readonly HttpProblemCode[]) {
  const definitions = codes.map((code): [HttpProblemCode, HttpProblemDefinition] => [code, httpProblems[code]]);
  const retryAfter = definitions.some(([, { retryAfterSeconds }]) => retryAfterSeconds !== undefined);
  return {
    description: definitions.map(([code, { meaning }]) => `\`${code}\`: ${meaning}`).join('\n\n'),
    headers: {
      ...REQUEST_ID_HEADER,
      ...(retryAfter && {
        'retry-after': { description: 'Seconds to wait before sending again.', schema: { type: 'integer' } },
      }),
      ...(codes.includes('unauthorized') && {
        'www-authenticate': { description: 'What is expected, as in RFC 6750.', schema: { type: 'string' } },
      }),
    },
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map((code) => [code, { value: problemExample(code) }])),
      },
    },
  };
}

function problemExample(code: HttpProblemCode) {
  const refusal = { code, detail: httpProblems[code].meaning };
  if (code !== 'invalid_event') return { ...problemBody(refusal, REQUEST_ID), ...batchProblemExample(code) };
  const errors = [{ pointer: '/user_id', code: 'missing_member', detail: 'This member is required.' }];
  return problemBody({ ...refusal, detail: 'The event has one problem; errors lists them.', errors }, REQUEST_ID);
}
