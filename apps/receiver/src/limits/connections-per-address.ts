import type { Socket } from 'node:net';
import { addressOf, ownerOf } from './address.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

/** Counts the open connections of each address. Those of trusted proxies carry many clients and are not counted. */
export class ConnectionsPerAddress {
  readonly #open = new Map<string, number>();
  readonly #max: number;
  readonly #proxies: TrustedProxies;

  /** `max` 0: any number. */
  constructor(max: number, proxies: TrustedProxies) {
    this.#max = max;
    this.#proxies = proxies;
  }

  /** False where its address has as many as it may; otherwise it counts until it is closed. */
  admit(socket: Socket): boolean {
    if (this.#max === 0) return true;
    const address = addressOf(socket.remoteAddress ?? '');
    if (address === undefined || this.#proxies.has(address)) return true;
    const owner = ownerOf(address);
    const open = this.#open.get(owner) ?? 0;
    if (open >= this.#max) return false;
    this.#open.set(owner, open + 1);
    socket.once('close', () => {
      const left = (this.#open.get(owner) ?? 1) - 1;
      if (left > 0) this.#open.set(owner, left);
      else this.#open.delete(owner);
    });
    return true;
  }
}
