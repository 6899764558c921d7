import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { cachedFolder } from './cached-folder.ts';

const run = promisify(execFile);
const VERSION = '4.32.5';

/** Why Schemathesis cannot be run here, or undefined when it can: then it is installed. */
export async function schemathesisProblem(): Promise<string | undefined> {
  try {
    await install();
    return undefined;
  } catch (error) {
    return `needs Python 3.10 with venv and pip, to install schemathesis ${VERSION}: ${(error as Error).message}`;
  }
}

/** `pip install --target` and not an environment of its own: that could not be renamed when it is complete. */
async function install(): Promise<string> {
  return cachedFolder(join('schemathesis', VERSION), (folder) =>
    run('python3', ['-m', 'pip', 'install', '--quiet', '--target', folder, `schemathesis==${VERSION}`]),
  );
}

export interface SchemathesisRun {
  readonly code: number;
  readonly output: string;
}

/** Runs `schemathesis run` with these arguments. Resolves also when it finds something. */
export async function runSchemathesis(args: readonly string[], { cwd }: { cwd: string }): Promise<SchemathesisRun> {
  const folder = await install();
  const program = ['-c', 'from schemathesis.cli import schemathesis; schemathesis()', 'run', '--no-color', ...args];
  const environment = { ...process.env, PYTHONPATH: folder, SCHEMATHESIS_REPORT: 'false' };
  return new Promise((resolve) => {
    execFile('python3', program, { cwd, env: environment, maxBuffer: 64 * 1024 ** 2 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, output: stdout + stderr });
    });
  });
}
