import { BlockList, isIPv4 } from 'node:net';
import { list, type SettingType, SettingValueError } from '@kero/runtime';
import { addressOf } from './address.ts';

export interface Network {
  readonly address: string;
  /** Bits that count. */
  readonly prefix: number;
}

/** Addresses and networks (`10.0.0.7`, `10.0.0.0/8`, `fd00::/8`), comma-separated. */
export function networks(): SettingType<readonly Network[]> {
  return { name: 'list of addresses and networks', parse: (input) => list().parse(input).map(networkOf) };
}

function networkOf(item: string): Network {
  const [, text = '', bits] = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(item) ?? [];
  const address = addressOf(text);
  const most = address !== undefined && isIPv4(address) ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  const isMapped = address !== undefined && isIPv4(address) && text.includes(':');
  if (address === undefined || prefix > most || (isMapped && bits !== undefined)) {
    throw new SettingValueError(`expected an address or a network such as 10.0.0.0/8, found "${item}"`);
  }
  return { address, prefix };
}

export interface TrustedProxies {
  has(address: string): boolean;
  /**
   * Who sent a request that came from `peer` with this X-Forwarded-For. Each proxy writes at its end whom it got the request
   * from: what stands there is true as far as it was written by trusted ones, so it is read from the right until the first
   * address that is not one of them. Whatever is no address ends it at the proxy that passed it on.
   */
  origin(peer: string, forwardedFor: string | string[] | undefined): string;
}

export function createTrustedProxies(trusted: readonly Network[]): TrustedProxies {
  const list = new BlockList();
  for (const { address, prefix } of trusted) list.addSubnet(address, prefix, familyOf(address));
  const has = (address: string) => trusted.length > 0 && list.check(address, familyOf(address));
  return {
    has,
    origin(peer, forwardedFor) {
      if (forwardedFor === undefined || !has(peer)) return peer;
      const hops = String(forwardedFor).split(',');
      let origin = peer;
      while (has(origin)) {
        const hop = hops.pop();
        const address = hop === undefined ? undefined : hopAddress(hop.trim());
        if (address === undefined) break;
        origin = address;
      }
      return origin;
    },
  };
}

/** Some proxies write the port too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function hopAddress(hop: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(hop) ?? [];
  return addressOf(bracketed ?? plain ?? hop);
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}
