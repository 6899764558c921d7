import { spawn } from 'node:child_process';
import { kill } from 'node:process';

export interface ProgramResult {
  readonly ok: boolean;
  /** What it printed, both streams. */
  readonly output: string;
}

/**
 * Runs a program to its end, in a session of its own: Ctrl-C in the terminal goes to every process of the terminal's
 * session, and a server that stopped then would stop before Kero has stored what is in flight. When `stop` aborts, it is ended with all that it started.
 * Never rejects.
 */
export async function runProgram(
  command: readonly string[],
  options: { readonly cwd?: string; readonly input?: string; readonly stop?: AbortSignal | undefined } = {},
): Promise<ProgramResult> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    const output: Buffer[] = [];
    const finish = (ok: boolean, extra = '') =>
      resolve({ ok, output: `${Buffer.concat(output).toString('utf8')}${extra}`.trim() });
    const child = spawn(program, args, {
      cwd: options.cwd,
      detached: true,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => output.push(chunk));
    child.on('error', (error) => finish(false, error.message));
    const end = () => {
      try {
        if (child.pid !== undefined) kill(-child.pid, 'SIGTERM');
      } catch {
        // Gone already.
      }
    };
    if (options.stop?.aborted) end();
    options.stop?.addEventListener('abort', end, { once: true });
    child.on('close', () => options.stop?.removeEventListener('abort', end));
    child.on('close', (code, signal) => finish(code === 0, signal ? `ended by ${signal}` : ''));
    // A program that ends early does not read its input; its exit code tells.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
  });
}
