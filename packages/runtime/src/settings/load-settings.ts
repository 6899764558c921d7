import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describeError, type KeroError } from '../errors.ts';
import { runtimeError } from '../runtime-errors.ts';
import { type OtherGroups, type Setting, type SettingsGroup, SettingValueError, type ValuesOf } from './setting.ts';

/** Where a value came from, as `kero config` shows it. */
export type SettingSource = 'default' | 'environment' | '.env' | 'not set' | `file ${string}`;

export interface SettingReport {
  readonly setting: Setting<unknown>;
  /** As text; secrets are masked. */
  readonly shown: string;
  readonly source: SettingSource;
}

export interface SettingsInput {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The text of a `.env` file; the environment wins over it. */
  readonly dotEnv?: string;
}

export interface ReadSettings<Groups> {
  readonly values: { readonly [K in keyof Groups]: ValuesOf<Groups[K]> };
  readonly report: readonly SettingReport[];
  /** One line a mistake, each naming its setting and the remedy. Values of faulty settings are undefined. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Prefixes that are Kero's own: an unknown name that starts with one of them is probably a misspelt setting. */
const OWN_PREFIXES = [
  'KAFKA_',
  'POSTGRES_',
  'EVENTS_',
  'RECEIVER_',
  'PROCESSOR_',
  'KERO_',
  'API_KEYS_',
  'API_KEY_',
  'AUTH_JWT_',
  'SCHEMA_',
  'SCHEMAS_',
];

/**
 * Reads every setting of the groups and gathers every mistake instead of stopping at the first.
 * `complete`: the groups are all that Kero has. Without it (a process that reads some of them) an unknown name may belong to
 * another process of the deployment, and is only warned about when it is nearly one of ours.
 */
export function readSettings<G extends { [K in keyof G]: SettingsGroup }>(
  groups: G,
  input: SettingsInput,
  options: { readonly complete?: boolean } = {},
): ReadSettings<G> {
  const problems: string[] = [];
  const report: SettingReport[] = [];
  const dotEnv: Record<string, string | undefined> = input.dotEnv === undefined ? {} : parseEnv(input.dotEnv);
  const values: Record<string, Record<string, unknown>> = {};
  const known = new Set<string>();
  const byGroup = new Map<SettingsGroup, Record<string, unknown>>();
  const usable: [SettingsGroup, Record<string, unknown>][] = [];

  for (const [key, group] of Object.entries<SettingsGroup>(groups)) {
    const found: Record<string, unknown> = {};
    const before = problems.length;
    for (const [name, setting] of Object.entries(group.settings)) {
      known.add(setting.name);
      if (setting.secret) known.add(`${setting.name}_FILE`);
      const raw = readRaw(setting, input.environment, dotEnv, problems);
      found[name] = parse(setting, raw, problems);
      report.push({ setting, source: raw.source, shown: show(setting, raw.text) });
    }
    if (problems.length === before && group.check) usable.push([group, found]);
    values[key] = found;
    byGroup.set(group, found);
  }
  // After everything is read, so that a rule may look at groups that come later.
  const others: OtherGroups = (group) => byGroup.get(group) as never;
  for (const [group, found] of usable) problems.push(...(group.check?.(found as never, others) ?? []));
  return {
    values: values as ReadSettings<G>['values'],
    report,
    problems,
    warnings: [input.environment, dotEnv].flatMap((names) => misspelt(names, known, options.complete ?? false)),
  };
}

/** As readSettings, but throws one KeroError `settings_invalid` that lists every mistake. */
export function loadSettings<G extends { [K in keyof G]: SettingsGroup }>(
  groups: G,
  input: SettingsInput,
  options: { readonly complete?: boolean } = {},
): ReadSettings<G> {
  const read = readSettings(groups, input, options);
  if (read.problems.length > 0) throw settingsInvalid(read.problems);
  return read;
}

/** The error for settings that cannot work; one line a problem. */
export function settingsInvalid(problems: readonly string[]): KeroError {
  return runtimeError(
    'settings_invalid',
    `${problems.length === 1 ? 'a setting is' : `${problems.length} settings are`} wrong:\n  ${problems.join('\n  ')}`,
  );
}

/** The text of a `.env` file, or undefined when there is none. */
export function readDotEnv(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw settingsInvalid([`${path} cannot be read: ${describeError(error)}`]);
  }
}

interface RawSetting {
  readonly text: string | undefined;
  readonly source: SettingSource;
}

function readRaw(
  setting: Setting<unknown>,
  environment: SettingsInput['environment'],
  dotEnv: Record<string, string | undefined>,
  problems: string[],
): RawSetting {
  const fileName = setting.secret ? environment[`${setting.name}_FILE`] || dotEnv[`${setting.name}_FILE`] : undefined;
  const direct: RawSetting | undefined = environment[setting.name]
    ? { text: environment[setting.name], source: 'environment' }
    : dotEnv[setting.name]
      ? { text: dotEnv[setting.name], source: '.env' }
      : undefined;
  if (fileName) {
    if (direct) problems.push(`${setting.name} and ${setting.name}_FILE are both set: keep one of them`);
    try {
      return { text: readFileSync(fileName, 'utf8').replace(/\r?\n$/, ''), source: `file ${fileName}` };
    } catch (error) {
      problems.push(`${setting.name}_FILE: ${describeError(error)}: name a file that this user may read`);
      return { text: undefined, source: `file ${fileName}` };
    }
  }
  if (direct) return direct;
  return { text: setting.default, source: setting.default === undefined ? 'not set' : 'default' };
}

function parse(setting: Setting<unknown>, raw: RawSetting, problems: string[]): unknown {
  if (raw.text === undefined) return undefined;
  try {
    return setting.type.parse(raw.text);
  } catch (error) {
    if (!(error instanceof SettingValueError)) throw error;
    const shown = setting.secret ? '' : ` (found "${raw.text}", from ${raw.source})`;
    problems.push(`${setting.name}: ${error.message}${shown}`);
    return undefined;
  }
}

function show(setting: Setting<unknown>, text: string | undefined): string {
  if (text === undefined) return '';
  return setting.secret ? '********' : text;
}

function misspelt(
  names: Readonly<Record<string, string | undefined>>,
  known: ReadonlySet<string>,
  complete: boolean,
): string[] {
  return Object.keys(names)
    .filter((name) => OWN_PREFIXES.some((prefix) => name.startsWith(prefix)) && !known.has(name))
    .flatMap((name) => {
      const [nearest] = [...known]
        .map((other) => ({ other, far: distance(name, other) }))
        .sort((a, b) => a.far - b.far);
      const isNear = nearest !== undefined && nearest.far <= 3;
      if (!isNear && !complete) return [];
      return `${name} is not a setting of Kero and has no effect${isNear ? `: did you mean ${nearest.other}?` : ''}`;
    });
}

/** Levenshtein distance: how many letters differ between two names. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + change));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
