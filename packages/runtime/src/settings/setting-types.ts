import { type SettingType, SettingValueError } from './setting.ts';

export function text(): SettingType<string> {
  return { name: 'text', parse: (input) => input };
}

export function integer(min: number, max: number): SettingType<number> {
  return {
    name: `integer ${min}..${max}`,
    parse: (input) => {
      const value = /^-?\d{1,15}$/.test(input) ? Number(input) : Number.NaN;
      if (!(value >= min && value <= max)) throw new SettingValueError(`expected a whole number from ${min} to ${max}`);
      return value;
    },
  };
}

export function boolean(): SettingType<boolean> {
  return {
    name: 'true or false',
    parse: (input) => {
      if (input === 'true') return true;
      if (input === 'false') return false;
      throw new SettingValueError('expected true or false');
    },
  };
}

export function oneOf<const V extends string>(...values: V[]): SettingType<V> {
  return {
    name: values.join(' or '),
    parse: (input) => {
      const found = values.find((value) => value === input);
      if (found === undefined) throw new SettingValueError(`expected one of: ${values.join(', ')}`);
      return found;
    },
  };
}

/** Comma-separated; blanks around an item and empty items are dropped. */
export function list(): SettingType<readonly string[]> {
  return {
    name: 'list, comma-separated',
    parse: (input) =>
      input
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
  };
}

const DURATION_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A number with its unit (`250ms`, `10s`, `5m`, `24h`, `7d`); the value is in milliseconds. */
export function duration(minMs = 0): SettingType<number> {
  return {
    name: 'duration',
    parse: (input) => {
      const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(input);
      const unit = match?.[2] as keyof typeof DURATION_UNITS | undefined;
      if (!match || !unit)
        throw new SettingValueError('expected a number with a unit, such as 250ms, 10s, 5m, 24h or 7d');
      const value = Number(match[1]) * DURATION_UNITS[unit];
      if (value < minMs) throw new SettingValueError(`expected at least ${minMs}ms`);
      return value;
    },
  };
}

const BYTE_UNITS = { '': 1, B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** A number of bytes, plain or with a unit (`65536`, `256KiB`, `10MiB`); the value is in bytes. */
export function bytes(min: number, max: number): SettingType<number> {
  return {
    name: 'bytes',
    parse: (input) => {
      const match = /^(\d{1,12}) ?(B|KiB|MiB|GiB|)$/.exec(input);
      if (!match) throw new SettingValueError('expected a number of bytes, such as 65536, 256KiB or 10MiB');
      const value = Number(match[1]) * BYTE_UNITS[match[2] as keyof typeof BYTE_UNITS];
      if (value < min || value > max) throw new SettingValueError(`expected ${min} to ${max} bytes`);
      return value;
    },
  };
}

export interface Host {
  readonly host: string;
  readonly port: number | undefined;
}

export interface HostPort extends Host {
  readonly port: number;
}

/** `host` or `host:port`, comma-separated; IPv6 hosts in brackets. */
export function hosts(): SettingType<readonly Host[]> {
  return { name: 'list of host or host:port', parse: (input) => hostList(input, 'host or host:port') };
}

/** `host:port`, comma-separated; IPv6 hosts in brackets. */
export function hostPorts(): SettingType<readonly HostPort[]> {
  return {
    name: 'list of host:port',
    parse: (input) =>
      hostList(input, 'host:port').map(({ host, port }) => {
        if (port === undefined) throw new SettingValueError(`expected host:port, found "${host}" without a port`);
        return { host, port };
      }),
  };
}

function hostList(input: string, expected: string): Host[] {
  const items = list().parse(input);
  if (items.length === 0) throw new SettingValueError(`expected at least one ${expected}`);
  return items.map((item) => {
    const match = /^(\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+)(?::(\d{1,5}))?$/.exec(item);
    const port = match?.[2] === undefined ? undefined : Number(match[2]);
    if (!match?.[1] || (port !== undefined && (port < 1 || port > 65_535))) {
      throw new SettingValueError(`expected ${expected}, found "${item}"`);
    }
    return { host: match[1].replace(/^\[|\]$/g, ''), port };
  });
}
