import { type FileHandle, open } from 'node:fs/promises';
import type { AttemptLine, ContentLine, LedgerLine, OutcomeLine } from '../ledger-format.ts';

/**
 * Writes the ledger. An attempt is on disk before `attempt()` resolves, so before it is sent; many that wait at the same
 * moment share one fdatasync.
 */
export class Ledger implements AsyncDisposable {
  readonly #file: FileHandle;
  #buffer: string[] = [];
  #flushing: Promise<void> | undefined;
  #contents = 0;
  #attempts = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<Ledger> {
    return new Ledger(await open(path, 'ax'));
  }

  content(content: Omit<ContentLine, 'line' | 'content'>): ContentLine {
    const line: ContentLine = { line: 'content', content: ++this.#contents, ...content };
    this.#write(line);
    return line;
  }

  async attempt(attempt: Omit<AttemptLine, 'line' | 'attempt' | 'at'>): Promise<AttemptLine> {
    const line: AttemptLine = { line: 'attempt', attempt: ++this.#attempts, ...attempt, at: Date.now() };
    this.#write(line);
    await this.flush();
    return line;
  }

  outcome(outcome: Omit<OutcomeLine, 'line' | 'at'>): void {
    this.#write({ line: 'outcome', ...outcome, at: Date.now() });
  }

  /** Resolves when every line of before the call is on disk. */
  async flush(): Promise<void> {
    // A flush that runs already may have taken its lines before ours came.
    await this.#flushing;
    this.#flushing ??= this.#flushOnce().finally(() => {
      this.#flushing = undefined;
    });
    await this.#flushing;
  }

  async #flushOnce(): Promise<void> {
    if (this.#buffer.length === 0) return;
    const text = this.#buffer.join('');
    this.#buffer = [];
    await this.#file.appendFile(text);
    await this.#file.datasync();
  }

  #write(line: LedgerLine): void {
    this.#buffer.push(`${JSON.stringify(line)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
    await this.#file.close();
  }
}
