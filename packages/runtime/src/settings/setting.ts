/** A value of a setting that its parser refused. The message says what is expected; the loader adds the setting's name. */
export class SettingValueError extends Error {}

export interface SettingType<T> {
  /** How docs name the type, e.g. `integer 0..65535`. */
  readonly name: string;
  /** Turns the text of an environment variable into the value. Throws SettingValueError. */
  readonly parse: (text: string) => T;
}

interface SettingDescription {
  readonly description: string;
  /** Shown in the docs; for a setting whose type already carries its unit (duration, bytes) leave it out. */
  readonly unit?: string;
  /** Never printed. May also be given as a file, by the name with `_FILE` behind it. */
  readonly secret?: boolean;
  /** A value for `.env.example` where there is no default. */
  readonly example?: string;
}

/** One environment variable, declared once: the parser, `.env.example` and `docs/configuration.md` all come from it. */
export interface Setting<T> extends SettingDescription {
  readonly name: string;
  readonly type: SettingType<unknown>;
  /** As text, as somebody would write it; without one the setting is optional. */
  readonly default?: string;
  /** Only carries the type of the value; never set. */
  readonly value?: T;
}

/** Settings that belong together, under the names that the code uses for them. */
export interface SettingsGroup<S extends Record<string, Setting<unknown>> = Record<string, Setting<unknown>>> {
  readonly title: string;
  readonly settings: S;
  /** Rules that span several settings, also of other groups; returns one line a mistake. */
  check?(values: SettingsOf<S>, others: OtherGroups): string[];
}

/** What could be read of another group; undefined where that group is not read by this process. */
export type OtherGroups = <G extends SettingsGroup>(group: G) => Partial<ValuesOf<G>> | undefined;

export type SettingsOf<S extends Record<string, Setting<unknown>>> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

export type ValuesOf<G> = G extends SettingsGroup<infer S> ? SettingsOf<S> : never;

export function setting<T>(
  name: string,
  type: SettingType<T>,
  description: SettingDescription & { default: string },
): Setting<T>;
export function setting<T>(name: string, type: SettingType<T>, description: SettingDescription): Setting<T | undefined>;
export function setting<T>(
  name: string,
  type: SettingType<T>,
  description: SettingDescription & { default?: string },
): Setting<T> {
  return { name, type, ...description };
}

export function settingsGroup<S extends Record<string, Setting<unknown>>>(
  title: string,
  settings: S,
  check?: (values: SettingsOf<S>, others: OtherGroups) => string[],
): SettingsGroup<S> {
  return check ? { title, settings, check } : { title, settings };
}
