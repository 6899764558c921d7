import type { EventRetention, ExpiredMonth, RetentionResult } from '@kero/database';
import { aborted, describeError, type Logger, sleep } from '@kero/runtime';

export interface KeepRetentionDeps {
  readonly retention: EventRetention;
  /** EVENTS_RETENTION in milliseconds; undefined keeps everything. */
  readonly retentionMs: number | undefined;
  readonly logger: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly everyMs?: number;
  /** After a call that could not drop everything. */
  readonly againMs?: number;
}

const HOUR_MS = 3_600_000;
const AGAIN_MS = 60_000;

/**
 * Drops the months that EVENTS_RETENTION no longer wants, at once and then every hour, until `stop`. Never rejects: that old
 * rows stay a little longer must not keep new ones out. One log line for each month, and for each reason why one stays.
 */
export async function keepRetention(deps: KeepRetentionDeps, stop: AbortSignal): Promise<void> {
  const { retention, retentionMs, logger, now, everyMs = HOUR_MS, againMs = AGAIN_MS } = deps;
  if (retentionMs === undefined) return;
  const said = new Set<string>();
  const warnOnce = (message: string) => {
    if (!said.has(message)) logger.warn(message);
    said.add(message);
  };
  while (!stop.aborted) {
    let unfinished = false;
    try {
      const dropping = retention.dropExpired({ retentionMs, nowMs: now(), stop });
      // A server that does not answer must not hold up the stop: the call ends by itself, later.
      const result = await Promise.race([dropping, aborted(stop)]);
      if (result === undefined) {
        dropping.then(
          (late) => report(late, logger, warnOnce),
          () => {},
        );
        return;
      }
      unfinished = result.outcome === 'done' && result.waiting.length > 0;
      report(result, logger, warnOnce);
    } catch (error) {
      if (stop.aborted) return;
      unfinished = true;
      warnOnce(`months older than EVENTS_RETENTION could not be dropped, trying again: ${describeError(error)}`);
    }
    await sleep(unfinished ? againMs : everyMs, stop);
  }
}

function report(result: RetentionResult, logger: Logger, warnOnce: (message: string) => void): void {
  if (result.outcome === 'busy') return;
  if (result.outcome === 'not_owner') {
    if (result.expired.length === 0) return;
    warnOnce(
      `${listMonths(result.expired)} ${result.expired.length === 1 ? 'is' : 'are'} older than EVENTS_RETENTION and stay: the ` +
        `role ${result.role} does not own the table events, so PostgreSQL lets it drop nothing. ` +
        `Run \`kero retention\` every day as ${result.owner} (docs/postgresql.md).`,
    );
    return;
  }
  for (const { name, bytes } of result.dropped) {
    logger.info({ partition: name, bytes }, `dropped ${name}: it is older than EVENTS_RETENTION`);
  }
  for (const { name, reason } of result.waiting) {
    warnOnce(`${name} is older than EVENTS_RETENTION, but could not be dropped yet: ${reason}; trying again`);
  }
}

function listMonths(months: readonly ExpiredMonth[]): string {
  return months.map(({ name }) => name).join(', ');
}
