import { logFailure, type ProcessLike, runService, type ServiceContext } from './lifecycle.ts';
import { createLogger, type Logger } from './logger.ts';
import type { runtimeSettings } from './runtime-settings.ts';
import { loadSettings, readDotEnv } from './settings/load-settings.ts';
import type { SettingsGroup, ValuesOf } from './settings/setting.ts';
import { workerNumber } from './workers/worker-link.ts';

export interface MainProcess extends ProcessLike {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { readonly isTTY?: boolean };
}

const EXIT_GRACE_MS = 1000;

type Groups = Record<string, SettingsGroup> & { readonly runtime: typeof runtimeSettings };

export interface MainContext<G extends Groups> {
  readonly settings: { readonly [K in keyof G]: ValuesOf<G[K]> };
  readonly logger: Logger;
}

/**
 * The frame of every `main.ts`: reads the settings (environment and `.env`), makes the logger, runs the service until it is
 * told to stop, and returns the exit code. What cannot start says why in one line and what to do.
 */
export async function runMain<G extends Groups>(
  process: MainProcess,
  groups: G,
  service: (context: ServiceContext, main: MainContext<G>) => Promise<void>,
  { ownsAllSettings = false }: { readonly ownsAllSettings?: boolean } = {},
): Promise<number> {
  const format = process.stdout.isTTY ? 'pretty' : 'json';
  const worker = workerNumber();
  try {
    const dotEnv = readDotEnv('.env');
    const input = dotEnv === undefined ? { environment: process.env } : { environment: process.env, dotEnv };
    const { values, warnings } = loadSettings(groups, input, { complete: ownsAllSettings });
    const runtime = values.runtime as ValuesOf<typeof runtimeSettings>;
    const logger = createLogger({
      level: runtime.logLevel,
      format: runtime.logFormat ?? format,
      name: runtime.projectName,
      worker,
    });
    // Of workers their parent has said it.
    if (worker === undefined) for (const warning of warnings) logger.warn(warning);
    const options = { process, logger, shutdownTimeoutMs: runtime.shutdownTimeoutMs };
    return endSoon(process, await runService(options, (context) => service(context, { settings: values, logger })));
  } catch (error) {
    logFailure(createLogger({ level: 'info', format, name: 'kero', worker }), error);
    return endSoon(process, 1);
  }
}

/**
 * Everything is closed, but a name look-up that hangs in the system cannot be, and would keep the process for half a minute; so would
 * the line to a parent, of a worker that could not even open it. The timer does not: without such a thing the process is gone
 * before it fires.
 */
function endSoon(process: MainProcess, code: number): number {
  setTimeout(() => process.exit(code), EXIT_GRACE_MS).unref();
  return code;
}
