import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeError } from './errors.ts';
import { runtimeError } from './runtime-errors.ts';

/**
 * Starts a server and resolves to the port it got (the given one, or a free one for 0).
 * Throws KeroError `address_in_use` that names the setting to change.
 */
export async function listen(server: Server, host: string, port: number, setting: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const message =
        error.code === 'EADDRINUSE'
          ? `port ${port} on ${host} is taken by another program (${setting})`
          : `cannot listen on ${host} port ${port} (${setting}): ${describeError(error)}`;
      reject(runtimeError('address_in_use', message, { cause: error }));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
