-- What people do with Kero by hand: replaying and discarding dead letters, skipping records that are gone from the log.

alter table public.dead_letters add column note text;
comment on column public.dead_letters.note is 'What the person wrote who changed the status.';

-- For the way from a dead letter to the later ones, and so that deleting letters does not read the whole table.
create index dead_letters_replay_of on public.dead_letters (replay_of) where replay_of is not null;

create table public.audit_log (
  audit_id      bigint generated always as identity,
  action        text        not null,
  actor         text        not null,
  database_role text        not null default session_user,
  detail        jsonb       not null,
  begun_at      timestamptz not null default now(),
  ended_at      timestamptz,
  outcome       text,
  constraint audit_log_pkey primary key (audit_id)
);

comment on table public.audit_log is 'One row for each action of a person that moved or dropped something, written before the action begins.';
comment on column public.audit_log.action is 'dead_letters_replay, dead_letters_discard or offsets_skip_gap.';
comment on column public.audit_log.actor is 'Who: the user of the operating system, and the machine.';
comment on column public.audit_log.database_role is 'The role of PostgreSQL that wrote the row.';
comment on column public.audit_log.detail is 'What exactly: which letters, or which partition, from where to where.';
comment on column public.audit_log.begun_at is 'When the action began.';
comment on column public.audit_log.ended_at is 'When it ended; null while it runs, or when its process died in the middle.';
comment on column public.audit_log.outcome is 'How it ended, for a person.';

-- Payloads are bytes that anybody may have written, so whatever cannot be read has no type. U+0000 and lone surrogates, which
-- are JSON but not text, would make the whole payload unreadable, wherever they stand: the second attempt goes without them.
-- The exception blocks make this unsafe for parallel plans.
create function public.kero_event_type(payload bytea) returns text
language plpgsql
immutable strict parallel unsafe cost 1000
as $$
begin
  begin
    return convert_from(payload, 'UTF8')::json ->> 'event_type';
  exception
    when untranslatable_character or invalid_text_representation then
      return regexp_replace(convert_from(payload, 'UTF8'), '\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\\ufffd', 'g')::json
        ->> 'event_type';
  end;
exception
  when data_exception or program_limit_exceeded then
    return null;
end
$$;

comment on function public.kero_event_type(bytea) is
  'The event_type in the payload of a dead letter; null where the payload is not a JSON object that has one.';
