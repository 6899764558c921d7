import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { System } from '../system/system.ts';
import type { FaultKind, Heal } from './fault.ts';

const EVERYWHERE = ['embedded', 'kafka'] as const;
const TERMINATE_EVERY_MS = 400;

/** PostgreSQL: dies, refuses writes, loses connections, keeps a table locked, has no connection left. */
export const postgresFaults: readonly FaultKind[] = [
  ...(['SIGQUIT', 'SIGKILL'] as const).map(
    (signal): FaultKind => ({
      name: signal === 'SIGQUIT' ? 'postgres-immediate' : 'postgres-kill',
      description:
        signal === 'SIGQUIT' ? 'immediate shutdown of PostgreSQL (pg_ctl -m immediate)' : 'kill -9 of the postmaster',
      on: EVERYWHERE,
      touches: ['postgres'],
      seconds: [1, 10],
      async begin({ system }) {
        await system.postgres.kill(signal);
        return () => system.postgres.recover();
      },
    }),
  ),
  {
    name: 'postgres-read-only',
    description: 'default_transaction_read_only=on: a server that was demoted',
    on: EVERYWHERE,
    touches: ['postgres'],
    seconds: [3, 10],
    async begin({ system }) {
      await administer(system, 'alter system set default_transaction_read_only = on');
      return healing(system, 'alter system reset default_transaction_read_only');
    },
  },
  {
    name: 'postgres-terminate',
    description: "ends Kero's connections again and again (pg_terminate_backend)",
    on: EVERYWHERE,
    touches: ['postgres'],
    seconds: [4, 10],
    async begin({ system, over, say }) {
      let ended = 0;
      const ending = (async () => {
        while (!over.aborted) {
          ended += await terminateOthers(system).catch(() => 0);
          say(`${ended} connections`);
          await delay(TERMINATE_EVERY_MS, undefined, { signal: over }).catch(() => {});
        }
      })();
      return async () => ending;
    },
  },
  lockFault('postgres-lock', 'events', 'holds an exclusive lock on events'),
  lockFault('postgres-lock-letters', 'dead_letters', 'holds an exclusive lock on dead_letters'),
  {
    name: 'postgres-connections',
    description: 'takes every connection that an ordinary role may have, and ends those of Kero',
    on: ['kafka'],
    touches: ['postgres'],
    seconds: [4, 12],
    async begin({ system, over, say }) {
      const taken: pg.Client[] = [];
      const taking = (async () => {
        await terminateOthers(system);
        while (!over.aborted) {
          const client = await system.postgres.connectAsKero().catch(() => undefined);
          if (client) taken.push(client);
          say(`${taken.length} connections`);
          // Kero may have been quicker: what it has is taken from it until nothing is left.
          if (!client) await delay(500, undefined, { signal: over }).catch(() => {});
        }
      })();
      return async () => {
        await taking;
        await Promise.all(taken.map((client) => client.end().catch(() => {})));
      };
    },
  },
];

function lockFault(name: string, table: string, description: string): FaultKind {
  return {
    name,
    description,
    on: EVERYWHERE,
    touches: ['postgres'],
    seconds: [4, 16],
    async begin({ system }) {
      const client = await system.postgres.connect();
      try {
        await client.query(`begin; lock table public.${table} in access exclusive mode`);
      } catch (error) {
        await client.end();
        throw error;
      }
      return async () => {
        // Another fault may have ended the server meanwhile, and with it the lock.
        await client.query('rollback').catch(() => {});
        await client.end().catch(() => {});
      };
    },
  };
}

async function administer(system: System, statement: string): Promise<void> {
  const client = await system.postgres.connect();
  try {
    await client.query(statement);
    await client.query('select pg_reload_conf()');
  } finally {
    await client.end();
  }
}

/** Kero itself may be down at this moment, and with it an embedded server. */
function healing(system: System, statement: string): Heal {
  return async () => {
    await system.postgres.recover();
    await administer(system, statement);
  };
}

async function terminateOthers(system: System): Promise<number> {
  const client = await system.postgres.connect();
  try {
    const { rows } = await client.query<{ n: number }>(
      `select count(pg_terminate_backend(pid))::int as n from pg_stat_activity
       where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name <> 'prover'`,
    );
    return rows[0]?.n ?? 0;
  } finally {
    await client.end();
  }
}
