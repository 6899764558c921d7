/** The baseline of the receiver: node:http as it comes, which reads the body and answers 202 with the same number of bytes. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { offer } from '../support/program.ts';

const ANSWER = '{"status":"accepted","id":"0199be1d-1100-8548-b29d-d65d5192914d"}';

const server = createServer((request, response) => {
  request.on('data', () => {});
  request.on('end', () => {
    response.writeHead(202, { 'content-type': 'application/json', 'content-length': ANSWER.length });
    response.end(ANSWER);
  });
});

offer({
  listen: () =>
    new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    }),
});
