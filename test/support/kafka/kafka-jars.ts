import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cachedFolder, cachePath } from '../cached-folder.ts';

const run = promisify(execFile);
const POM = join(import.meta.dirname, 'pom.xml');

/** Version of the broker that the tests start. */
export function kafkaVersion(): string {
  const found = /<kafka\.version>([^<]+)</.exec(readFileSync(POM, 'utf8'))?.[1];
  if (!found) throw new Error(`no kafka.version in ${POM}`);
  return found;
}

/** Why no broker can be started here, or undefined when one can. Asked once per process. */
export function javaProblem(): Promise<string | undefined> {
  known ??= findJavaProblem();
  return known;
}
let known: Promise<string | undefined> | undefined;

async function findJavaProblem(): Promise<string | undefined> {
  const missing: string[] = [];
  const java = await firstLine('java', ['-version']);
  const major = Number(/version "(\d+)/.exec(java ?? '')?.[1] ?? 0);
  if (major < 17) missing.push(java === undefined ? 'no java on the PATH' : `found ${java}`);
  const jarsAreThere = existsSync(cachePath(jarsFolder()));
  if (!jarsAreThere && (await firstLine('mvn', ['-version'])) === undefined) missing.push('no mvn on the PATH');
  return missing.length === 0 ? undefined : `needs Java 17 and Maven: ${missing.join(', ')}`;
}

async function firstLine(program: string, args: string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(program, args);
    return (stdout || stderr).split('\n')[0];
  } catch {
    return undefined;
  }
}

function jarsFolder(): string {
  return join('kafka', kafkaVersion(), 'libs');
}

/** Class path of the broker and its tools; downloads the jars when they are not there yet (54 MB, once). */
export async function kafkaClassPath(): Promise<string> {
  const libs = await cachedFolder(jarsFolder(), (unfinished) =>
    run('mvn', ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${unfinished}`]),
  );
  return join(libs, '*');
}
