import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isKeroError, lockFolder } from '@kero/runtime';

const run = promisify(execFile);
const POM = join(import.meta.dirname, 'pom.xml');
const CACHE = resolve(import.meta.dirname, '../../../.cache/kafka');

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
  const jarsAreThere = existsSync(jarsFolder());
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
  return join(CACHE, kafkaVersion(), 'libs');
}

/**
 * Class path of the broker and its tools; downloads the jars when they are not there yet (54 MB, once). Test files that
 * run at the same time wait for each other.
 */
export async function kafkaClassPath(): Promise<string> {
  const libs = jarsFolder();
  if (!existsSync(libs)) {
    using _lock = await waitForLock(CACHE);
    if (!existsSync(libs)) await download(libs);
  }
  return join(libs, '*');
}

async function download(libs: string): Promise<void> {
  const unfinished = `${libs}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await run('mvn', ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${unfinished}`]);
  await rename(unfinished, libs);
}

async function waitForLock(folder: string): Promise<Disposable> {
  for (;;) {
    try {
      return lockFolder(folder);
    } catch (error) {
      if (!isKeroError(error, 'folder_in_use')) throw error;
      await delay(200);
    }
  }
}
