import { readDotEnv, readSettings, type SettingReport } from '@kero/runtime';
import { allGroups } from '../all-settings.ts';
import { renderTable } from '../render-table.ts';

/**
 * `kero config`: every setting with its value and where it came from, then every mistake.
 * Returns the text and whether Kero could start with it.
 */
export function describeConfig(environment: Readonly<Record<string, string | undefined>>): {
  text: string;
  valid: boolean;
} {
  const dotEnv = readDotEnv('.env');
  const read = readSettings(allGroups, dotEnv === undefined ? { environment } : { environment, dotEnv }, {
    complete: true,
  });
  const parts = [renderTable(['setting', 'value', 'from'], read.report.map(row))];
  if (read.warnings.length > 0) parts.push(`Warnings:\n  ${read.warnings.join('\n  ')}`);
  if (read.problems.length > 0) parts.push(`Mistakes:\n  ${read.problems.join('\n  ')}`);
  else parts.push('All settings are usable.');
  return { text: parts.join('\n\n'), valid: read.problems.length === 0 };
}

function row({ setting, shown, source }: SettingReport): string[] {
  return [setting.name, shown, source];
}
