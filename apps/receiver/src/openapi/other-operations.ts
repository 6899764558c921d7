import { REQUEST_ID_HEADER } from './request-id-header.ts';

const otherAnswers = {
  default: {
    description: 'A problem.',
    headers: REQUEST_ID_HEADER,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  },
};

function statusAnswer(status: 'up' | 'down', description: string) {
  return {
    description,
    headers: REQUEST_ID_HEADER,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Health' }, example: { status } } },
  };
}

export const liveOperation = {
  operationId: 'isLive',
  tags: ['health'],
  summary: 'Whether the process answers',
  responses: { 200: statusAnswer('up', 'It does.'), ...otherAnswers },
};

export const readyOperation = {
  operationId: 'isReady',
  tags: ['health'],
  summary: 'Whether this receiver should get requests',
  responses: {
    200: statusAnswer('up', 'It should.'),
    503: statusAnswer('down', 'It should not: the log is down, or the process is stopping.'),
    ...otherAnswers,
  },
};

export const openApiOperation = {
  operationId: 'getOpenApi',
  tags: ['documentation'],
  summary: 'This document',
  responses: {
    200: {
      description: 'OpenAPI 3.1.',
      headers: REQUEST_ID_HEADER,
      content: { 'application/json': { schema: { type: 'object' } } },
    },
    ...otherAnswers,
  },
};

export const docsOperation = {
  operationId: 'getDocs',
  tags: ['documentation'],
  summary: 'This document as a page on which the API can be tried',
  responses: {
    200: {
      description: 'HTML.',
      headers: REQUEST_ID_HEADER,
      content: { 'text/html': { schema: { type: 'string' } } },
    },
    ...otherAnswers,
  },
};
