import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A quick start matters more to a test than the last bit of speed. */
export const JAVA_OPTIONS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto'];
const SMALL_BROKER = ['-Xmx384m', ...JAVA_OPTIONS];
const START_TIMEOUT_MS = 60_000;

/** What a cluster is called: 16 bytes in base64url. None begins with `-`, which Kafka's tools take for an option. */
export function newClusterId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? newClusterId() : id;
}

export interface KafkaListener {
  /** As in the settings of the broker, for example `SECURE`. */
  readonly name: string;
  readonly protocol: 'SSL' | 'SASL_SSL' | 'SASL_PLAINTEXT';
  /** Under which name clients reach it. */
  readonly host: string;
  readonly port: number;
}

export interface KafkaNodeOptions {
  readonly classPath: string;
  readonly clusterId: string;
  readonly id: number;
  readonly directory: string;
  readonly clientPort: number;
  readonly controllerPort: number;
  /** `id@host:port` of every node of the cluster. */
  readonly voters: readonly string[];
  /** Listeners beside the plain one. */
  readonly listeners?: readonly KafkaListener[];
  /** Further arguments of `kafka-storage format`. */
  readonly formatArguments?: readonly string[];
  /** Settings of the broker that a test wants different. */
  readonly config: Readonly<Record<string, string>>;
  /** Options of its Java in place of those that make it small and quick to start. */
  readonly java?: readonly string[] | undefined;
  /** Where its output goes, life after life; without it only its end is kept, in memory. */
  readonly logFile?: string;
}

/** One combined broker and controller: a Java process that can be killed and started again on the same data. */
export class KafkaNode {
  readonly #options: KafkaNodeOptions;
  readonly #propertiesFile: string;
  #java: ChildProcess | undefined;
  #output = '';

  constructor(options: KafkaNodeOptions) {
    this.#options = options;
    this.#propertiesFile = join(options.directory, 'server.properties');
  }

  get address(): string {
    return `127.0.0.1:${this.#options.clientPort}`;
  }

  get dataFolder(): string {
    return join(this.#options.directory, 'data');
  }

  async format(): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true });
    await writeFile(this.#propertiesFile, this.#properties());
    const { classPath, clusterId } = this.#options;
    const tool = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', this.#propertiesFile];
    await run('java', [...JAVA_OPTIONS, '-cp', classPath, ...tool, ...(this.#options.formatArguments ?? [])]);
  }

  /** Starts the process; `ready()` waits for it. The ports of one that was killed may be bound for a moment longer. */
  async start(): Promise<void> {
    if (this.#java) throw new Error(`Kafka node ${this.#options.id} runs already`);
    const { classPath, clientPort, controllerPort, java: options = SMALL_BROKER } = this.#options;
    await waitUntil(
      async () => !(await answers(clientPort)) && !(await answers(controllerPort)),
      'its ports are bound',
    );
    const java = spawn('java', [...options, '-cp', classPath, 'kafka.Kafka', this.#propertiesFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#java = java;
    for (const stream of [java.stdout, java.stderr]) {
      stream.on('data', (data: Buffer) => {
        this.#output = (this.#output + data.toString()).slice(-20_000);
        if (this.#options.logFile !== undefined) appendFileSync(this.#options.logFile, data);
      });
    }
    const watchdog = spawnWatchdog(java.pid ?? 0);
    java.once('exit', () => {
      watchdog.kill('SIGKILL');
      if (this.#java === java) this.#java = undefined;
    });
  }

  async ready(): Promise<void> {
    await waitUntil(async () => {
      if (!this.#java) throw new Error(`Kafka node ${this.#options.id} ended:\n${this.#output}`);
      return answers(this.#options.clientPort);
    }, `Kafka node ${this.#options.id} did not listen`);
  }

  /** SIGKILL and SIGTERM resolve when the process is gone, SIGSTOP when it stands still, SIGCONT when the signal is sent. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const java = this.#java;
    if (!java) return;
    const gone = once(java, 'exit');
    java.kill(signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await gone;
    if (signal === 'SIGSTOP') await waitUntil(() => standsStill(java.pid ?? 0), 'the node does not stop');
  }

  #properties(): string {
    const { id, voters, clientPort, controllerPort, listeners = [], config } = this.#options;
    const plain = `PLAINTEXT://127.0.0.1:${clientPort}`;
    const replication = String(Math.min(3, voters.length));
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': String(id),
      'controller.quorum.voters': voters.join(','),
      listeners: [
        plain,
        `CONTROLLER://127.0.0.1:${controllerPort}`,
        ...listeners.map(({ name, port }) => `${name}://127.0.0.1:${port}`),
      ].join(','),
      'advertised.listeners': [plain, ...listeners.map(({ name, host, port }) => `${name}://${host}:${port}`)].join(
        ',',
      ),
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': [
        'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
        ...listeners.map(({ name, protocol }) => `${name}:${protocol}`),
      ].join(','),
      'log.dirs': this.dataFolder,
      'default.replication.factor': replication,
      'min.insync.replicas': voters.length >= 3 ? '2' : '1',
      'offsets.topic.replication.factor': replication,
      'offsets.topic.num.partitions': '3',
      'transaction.state.log.replication.factor': replication,
      'transaction.state.log.min.isr': '1',
      'auto.create.topics.enable': 'false',
      'group.initial.rebalance.delay.ms': '0',
      ...config,
    };
    const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
    return lines.join('');
  }
}

/** All of its threads do: the signal stops a thread only when it comes to the kernel. Where that cannot be seen it is taken for granted. */
function standsStill(pid: number): boolean {
  try {
    const tasks = `/proc/${pid}/task`;
    return readdirSync(tasks).every((task) => /\) T/.test(readFileSync(`${tasks}/${task}/stat`, 'latin1')));
  } catch {
    return true;
  }
}

/** Ends the broker when this process is gone, however it went: the shell sees its standard input close. */
function spawnWatchdog(pid: number): ChildProcess {
  const watchdog = spawn('sh', ['-c', 'cat >/dev/null; kill -9 "$0"', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.unref();
  return watchdog;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

async function waitUntil(condition: () => boolean | Promise<boolean>, failure: string): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > START_TIMEOUT_MS) throw new Error(failure);
    await delay(50);
  }
}
