import type { AuditEntry, AuditLog } from '../audit-log.ts';
import type { ConnectionPool } from './connection-pool.ts';

const BEGIN = 'insert into public.audit_log (action, actor, detail) values ($1, $2, $3) returning audit_id';

const END = `
update public.audit_log set ended_at = now(), outcome = $2, detail = detail || $3::jsonb where audit_id = $1`;

/** The contract is in audit-log.ts. */
export class PostgresAuditLog implements AuditLog {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async begin({ action, actor, detail }: AuditEntry): Promise<bigint> {
    return this.#pool.use('writing the audit log', async (client) => {
      const { rows } = await client.query<{ audit_id: string }>(BEGIN, [action, actor, JSON.stringify(detail)]);
      return BigInt(rows[0]?.audit_id ?? 0);
    });
  }

  async end(
    auditId: bigint,
    { outcome, detail = {} }: { outcome: string; detail?: AuditEntry['detail'] },
  ): Promise<void> {
    await this.#pool.use('writing the audit log', (client) =>
      client.query(END, [auditId, outcome, JSON.stringify(detail)]),
    );
  }
}
