import { createInterface } from 'node:readline/promises';
import { type CommandProcess, CommandRefused } from './run-command.ts';

/**
 * Asks a person; resolves when the answer was yes. Rejects with CommandRefused for every other answer (Ctrl-C and the end
 * of the input too), and where nobody can be asked.
 */
export async function confirm(
  question: string,
  { process, yes, stop }: { readonly process: CommandProcess; readonly yes: boolean; readonly stop: AbortSignal },
): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) {
    throw new CommandRefused(
      `${question}\nNobody can be asked here. Add --yes if that is what you want; nothing was done.`,
    );
  }
  // Not as a terminal: there Ctrl-C would be a key and not a signal.
  const prompt = createInterface({ input: process.stdin, terminal: false });
  const ended = new Promise<string>((resolve) => prompt.once('close', () => resolve('')));
  process.stderr.write(`${question} [y/N] `);
  const answered = prompt.question('', { signal: stop }).catch(() => '');
  const answer = await Promise.race([answered, ended]);
  prompt.close();
  if (!/^(y|yes)$/i.test(answer.trim())) throw new CommandRefused('Nothing was done.');
}
