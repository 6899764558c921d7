/** The table of pipelines that are not Kero: the natural key decides what is there already. */
export function naturalKeyTable(name: string): string {
  return `create table ${name} (
  id bigint generated always as identity primary key,
  user_id text not null,
  event_type text not null,
  event_timestamp timestamptz not null,
  event_data jsonb not null,
  unique (user_id, event_type, event_timestamp))`;
}
