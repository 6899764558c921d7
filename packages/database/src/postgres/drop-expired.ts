import { describeError, isKeroError } from '@kero/runtime';
import pg from 'pg';
import type { EventRetention, ExpiredMonth, RetentionOptions, RetentionResult } from '../event-retention.ts';
import { leavesConnectionUsable, sqlState, toDatabaseError } from './classify-error.ts';
import { connectWritable, type ServerAddress, type SessionLimits } from './client.ts';
import { type ExpiredPartition, findExpired, RETENTION_MARK } from './expired-months.ts';

/** kero_ensure_events_partition has (1801812591, 2), migrations (1801812591, 1). */
const RETENTION_LOCK = '1801812591, 3';
/** A large month takes a while to drop. */
const LIMITS: SessionLimits = { statementMs: 10 * 60_000, answerMs: 11 * 60_000 };
/**
 * How long to wait for a statement that uses a month. Longer would do harm: while the last step of a detach waits for somebody
 * who reads that partition by name, no new month can be attached.
 */
const LOCK_TIMEOUT_MS = 5_000;
/** lock_not_available, query_canceled, object_in_use. */
const IN_USE = ['55P03', '57014', '55006'];

/** The contract is in event-retention.ts. On a connection of its own, for minutes of waiting must not take one from the writers. */
export class PostgresEventRetention implements EventRetention {
  readonly #server: ServerAddress;
  readonly #lockTimeoutMs: number;

  constructor(server: ServerAddress, { lockTimeoutMs = LOCK_TIMEOUT_MS }: { lockTimeoutMs?: number } = {}) {
    this.#server = server;
    this.#lockTimeoutMs = lockTimeoutMs;
  }

  async dropExpired(options: RetentionOptions): Promise<RetentionResult> {
    const { client } = await connectWritable(this.#server, LIMITS);
    // Ends the statement that runs, and with the session its lock; the server looks every few seconds whether we are there.
    const leave = () => void client.end().catch(() => {});
    options.stop?.addEventListener('abort', leave, { once: true });
    try {
      options.stop?.throwIfAborted();
      await client.query(`set timezone = 'UTC'; set datestyle = 'ISO'; set lock_timeout = ${this.#lockTimeoutMs};
        set client_connection_check_interval = '2s'`);
      return await this.#dropExpired(client, options);
    } catch (error) {
      throw isKeroError(error) ? error : toDatabaseError(error, 'dropping months that are older than EVENTS_RETENTION');
    } finally {
      options.stop?.removeEventListener('abort', leave);
      leave();
    }
  }

  async #dropExpired(client: pg.Client, options: RetentionOptions): Promise<RetentionResult> {
    const { role, owner, owns } = await askOwner(client);
    const expired = await findExpired(client, options);
    if (!owns) return { outcome: 'not_owner', role, owner, expired: expired.map(nameAndSize) };
    if (options.dryRun) return { outcome: 'done', dropped: expired.map(nameAndSize), waiting: [] };
    const tried = await client.query<{ locked: boolean }>(`select pg_try_advisory_lock(${RETENTION_LOCK}) as locked`);
    if (!tried.rows[0]?.locked) return { outcome: 'busy' };

    const dropped: ExpiredPartition[] = [];
    const waiting: { name: string; reason: string }[] = [];
    // Looked up again: whoever had the lock may have dropped some meanwhile.
    for (const partition of pendingFirst(await findExpired(client, options))) {
      if (options.stop?.aborted) break;
      const { name, state } = partition;
      if (state === 'pending_by_others') {
        waiting.push({ name, reason: 'somebody else began to detach it: finish that, or attach it again' });
        continue;
      }
      try {
        await detachAndDrop(client, partition.name, state);
        dropped.push(partition);
      } catch (error) {
        if (!leavesConnectionUsable(error)) throw error;
        const inUse = IN_USE.includes(sqlState(error) ?? '');
        waiting.push({ name, reason: inUse ? 'a statement that takes long still uses it' : describeError(error) });
        // Whoever uses this month mostly uses all of them, and PostgreSQL allows only one unfinished detach.
        if (inUse) break;
      }
    }
    return { outcome: 'done', dropped: dropped.map(nameAndSize), waiting };
  }
}

async function askOwner(client: pg.Client): Promise<{ role: string; owner: string; owns: boolean }> {
  const { rows } = await client.query<{ role: string; owner: string; owns: boolean }>(
    `select current_user::text as role, pg_get_userbyid(relowner)::text as owner, pg_has_role(relowner, 'USAGE') as owns
     from pg_class where oid = 'public.events'::regclass`,
  );
  const [answer] = rows;
  if (!answer) throw new Error('the table events is gone');
  return answer;
}

/** PostgreSQL allows one pending detach at a time, so those come first. */
function pendingFirst(partitions: readonly ExpiredPartition[]): ExpiredPartition[] {
  const isPending = ({ state }: ExpiredPartition) => state === 'pending';
  return [...partitions.filter(isPending), ...partitions.filter((it) => !isPending(it))];
}

/** CONCURRENTLY takes no lock that a reader or writer of other months waits for; it cannot run in a transaction or a function. */
async function detachAndDrop(
  client: pg.Client,
  name: string,
  state: Exclude<ExpiredPartition['state'], 'pending_by_others'>,
): Promise<void> {
  const table = `public.${pg.escapeIdentifier(name)}`;
  switch (state) {
    case 'attached':
      await client.query(`comment on table ${table} is ${pg.escapeLiteral(RETENTION_MARK)}`);
      await client.query(`alter table public.events detach partition ${table} concurrently`);
      break;
    case 'pending':
      await client.query(`alter table public.events detach partition ${table} finalize`);
      break;
    case 'detached':
      break;
  }
  await client.query(`drop table ${table}`);
}

function nameAndSize({ name, bytes }: ExpiredPartition): ExpiredMonth {
  return { name, bytes };
}
