import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { spawnWatchdog } from './watchdog.ts';

export interface ProcessOptions {
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Standard output and standard error of every life go here. */
  readonly logFile: string;
  /** Shell commands for the case that the prover itself dies: what the process would leave behind. */
  readonly leftovers?: string;
}

export interface Exit {
  /** Unix milliseconds. */
  readonly at: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** True when the nemesis (or the end of the run) wanted it. */
  readonly wanted: boolean;
}

/** What systemd or Kubernetes would wait before the next start. */
const RESTART_AFTER_MS = 1000;
/** SHUTDOWN_TIMEOUT is 25 s; a process that is not gone soon after that has broken its word. */
export const TERM_LIMIT_MS = 30_000;

/**
 * A process of the system under test and the supervisor that every production has: it starts again what ended, unless a
 * fault holds it down.
 *
 * down --start()--> running --exit--> down --after a second--> running ...; running --pause()--> paused --resume()--> running
 */
export class SupervisedProcess {
  readonly name: string;
  readonly logFile: string;
  readonly exits: Exit[] = [];
  /** Ends by SIGTERM that took too long. */
  readonly slowStops: number[] = [];
  peakBytes = 0;
  readonly #options: ProcessOptions;
  #child: ChildProcess | undefined;
  #wanted = false;
  #held = false;
  #closed = false;
  #paused = false;

  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Running and not paused: whoever looks at what it writes may do so without a race. */
  get isUp(): boolean {
    return this.#child !== undefined && !this.#paused;
  }

  start(): void {
    if (this.#child || this.#closed) return;
    const { command, environment, cwd, logFile, leftovers = '' } = this.#options;
    const [program, ...args] = command;
    const log = openSync(logFile, 'a');
    // A session of its own: Ctrl-C at the terminal is for the prover, which ends everything in order.
    const child = spawn(program, args, { cwd, env: environment, stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    this.#child = child;
    this.#paused = false;
    this.#wanted = false;
    const watchdog = spawnWatchdog(`kill -9 ${child.pid}; ${leftovers}`);
    child.once('exit', (code, signal) => {
      watchdog.kill('SIGKILL');
      this.#child = undefined;
      this.exits.push({ at: Date.now(), code, signal, wanted: this.#wanted });
      this.#note(`ended with ${signal ?? code}${this.#wanted ? '' : ', which nobody asked for'}`);
      if (!this.#held) setTimeout(() => this.#held || this.start(), RESTART_AFTER_MS).unref();
    });
    this.#note(`started as process ${child.pid}`);
  }

  /** Keeps it down from its next end on, until release(). */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.start();
  }

  /** SIGKILL or SIGTERM, and resolves when it is gone; with SIGTERM at the latest by force. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#wanted = true;
    this.#note(`gets ${signal}`);
    const gone = once(child, 'exit');
    child.kill(signal);
    if (signal === 'SIGTERM') {
      const tooLong = setTimeout(() => {
        this.slowStops.push(Date.now());
        child.kill('SIGKILL');
      }, TERM_LIMIT_MS);
      await gone;
      clearTimeout(tooLong);
    } else {
      await gone;
    }
  }

  pause(): void {
    this.#paused = true;
    this.#note('gets SIGSTOP');
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#note('gets SIGCONT');
    this.#child?.kill('SIGCONT');
    this.#paused = false;
  }

  /** Reads the highest memory use of this life, where the system tells it. */
  sampleMemory(): void {
    try {
      const status = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8');
      const kilobytes = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
      this.peakBytes = Math.max(this.peakBytes, kilobytes * 1024);
    } catch {
      // Gone, or a system without /proc.
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#held = true;
    const child = this.#child;
    if (!child) return;
    this.#wanted = true;
    child.kill('SIGCONT');
    await Promise.race([this.end('SIGTERM'), delay(TERM_LIMIT_MS + 5000, undefined, { ref: false })]);
  }

  #note(text: string): void {
    const log = openSync(this.#options.logFile, 'a');
    writeSync(log, `${JSON.stringify({ prover: `${this.name} ${text}`, time: Date.now() })}\n`);
    closeSync(log);
  }
}
