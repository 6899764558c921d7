/** What a client may be allowed to do. */
export const scopes = ['events:write', 'events:read', 'dead-letters:write', 'admin'] as const;

export type Scope = (typeof scopes)[number];

export function isScope(text: unknown): text is Scope {
  return scopes.some((scope) => scope === text);
}

/** `admin` may do everything. */
export function allows(granted: ReadonlySet<Scope>, needed: Scope): boolean {
  return granted.has(needed) || granted.has('admin');
}
