/** As in the examples. */
export const REQUEST_ID = '0b7c6f3e-5a52-4d0c-9d3c-0d8c4a6f1f10';

/** Of every answer. */
export const REQUEST_ID_HEADER = { 'x-request-id': { $ref: '#/components/headers/RequestId' } };
