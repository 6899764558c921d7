import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { describeError } from '@kero/runtime';
import { type Core, pinTo } from './cores.ts';
import { KERO_FLAGS } from './kero-flags.ts';

interface Call {
  readonly number: number;
  readonly name: string;
  readonly argument: unknown;
}

type Reply =
  | { readonly number: number; readonly result: unknown }
  | { readonly number: number; readonly error: string };

/** What a program offers to the bench that started it, by name. */
export type Offers = Readonly<Record<string, (argument: never) => unknown>>;

/** A Node program of the bench in a process of its own, which answers calls. It ends with this process. */
export class Program {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #calls = 0;

  private constructor(child: ChildProcess, name: string) {
    this.#child = child;
    child.on('message', (reply: Reply) => {
      const call = this.#waiting.get(reply.number);
      this.#waiting.delete(reply.number);
      if ('error' in reply) call?.reject(new Error(reply.error));
      else call?.resolve(reply.result);
    });
    const end = (why: string) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${name} ended (${why})`));
      this.#waiting.clear();
    };
    child.on('exit', (code, signal) => end(String(signal ?? code)));
    child.on('error', (error) => end(error.message));
  }

  /** `file`: relative to bench/, and its last words go where ours go. `nodeOptions`: of Node, as `--expose-gc`. */
  static start(
    file: string,
    options: {
      core?: Core;
      args?: readonly string[];
      nodeOptions?: readonly string[];
      resources: AsyncDisposableStack;
    },
  ): Program {
    const { core, args = [], nodeOptions = [], resources } = options;
    const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
    const command = [...pinTo(core), process.execPath, ...KERO_FLAGS, ...nodeOptions, path, ...args];
    const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const program = new Program(child, file);
    resources.defer(() => program.stop());
    return program;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it takes and gives is up to who wrote the program. Rejects with its error, or when it ends. */
  call<T>(name: string, argument?: unknown): Promise<T> {
    const number = ++this.#calls;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(number, { resolve: (result) => resolve(result as T), reject });
      if (!this.#child.connected) reject(new Error('it has ended'));
      else this.#child.send({ number, name, argument } satisfies Call);
    });
  }

  /** CPU time that it has used, in milliseconds: what a busy machine does not distort much. */
  cpuMs(): Promise<number> {
    return this.call('cpuMs');
  }

  /** The end of the channel tells it to go. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.disconnect();
    await gone;
  }
}

/** The other side: answers the calls of the bench until that is gone, then ends the process. `cpuMs` is that of this process, unless it is offered, too. */
export function offer(work: Offers): void {
  const offers: Offers = { cpuMs: ownCpuMs, ...work };
  process.on('message', async ({ number, name, argument }: Call) => {
    const reply = (message: Reply) => process.connected && process.send?.(message);
    try {
      const wanted = offers[name];
      if (!wanted) throw new Error(`it does not offer ${name}`);
      reply({ number, result: await wanted(argument as never) });
    } catch (error) {
      reply({ number, error: describeError(error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
