-- What the migrations make, read back from the catalog of PostgreSQL. Generated: do not edit.
-- A change of this file in a pull request is a change of the schema. To write it anew after adding a migration:
--   UPDATE_SCHEMA_SNAPSHOT=true npm run test:int

table audit_log
  column audit_id bigint not null generated always as identity
  column action text not null
  column actor text not null
  column database_role text not null default SESSION_USER
  column detail jsonb not null
  column begun_at timestamp with time zone not null default now()
  column ended_at timestamp with time zone
  column outcome text
  constraint audit_log_pkey PRIMARY KEY (audit_id)
  index CREATE UNIQUE INDEX audit_log_pkey ON public.audit_log USING btree (audit_id)
  comment One row for each action of a person that moved or dropped something, written before the action begins.
  comment on action: dead_letters_replay, dead_letters_discard or offsets_skip_gap.
  comment on actor: Who: the user of the operating system, and the machine.
  comment on database_role: The role of PostgreSQL that wrote the row.
  comment on detail: What exactly: which letters, or which partition, from where to where.
  comment on begun_at: When the action began.
  comment on ended_at: When it ended; null while it runs, or when its process died in the middle.
  comment on outcome: How it ended, for a person.

table dead_letters
  column dead_letter_id bigint not null generated always as identity
  column id uuid
  column reason text not null
  column detail text not null
  column payload bytea
  column record_key bytea
  column record_headers jsonb not null
  column log_id uuid not null
  column log_partition integer not null
  column log_offset bigint not null
  column received_at timestamp with time zone not null
  column failed_at timestamp with time zone not null default now()
  column status text not null default 'open'::text
  column status_changed_at timestamp with time zone
  column replay_of bigint
  column note text
  constraint dead_letters_log_position_key UNIQUE (log_id, log_partition, log_offset)
  constraint dead_letters_pkey PRIMARY KEY (dead_letter_id)
  constraint dead_letters_replay_of_fkey FOREIGN KEY (replay_of) REFERENCES dead_letters(dead_letter_id)
  constraint dead_letters_status_check CHECK ((status = ANY (ARRAY['open'::text, 'replayed'::text, 'discarded'::text])))
  index CREATE UNIQUE INDEX dead_letters_log_position_key ON public.dead_letters USING btree (log_id, log_partition, log_offset)
  index CREATE UNIQUE INDEX dead_letters_pkey ON public.dead_letters USING btree (dead_letter_id)
  index CREATE INDEX dead_letters_replay_of ON public.dead_letters USING btree (replay_of) WHERE (replay_of IS NOT NULL)
  comment One row for each record of the log that did not become a row of events: the record as it was, where it stands, and why.
  comment on id: The id of the event, where it could be worked out.
  comment on reason: not_an_event, invalid, conflict, refused_by_database or expired; docs/errors.md explains each.
  comment on detail: What is wrong, for a person; names the place in the event.
  comment on payload: The value of the record, byte for byte; null when the record had none (a tombstone).
  comment on record_key: The key of the record.
  comment on record_headers: The headers of the record, in order: [name, value] pairs.
  comment on log_id: Which log: the id of the Kafka topic, or of the embedded log.
  comment on log_partition: Partition of the log.
  comment on log_offset: Offset in that partition.
  comment on received_at: When the receiver (or, for other writers, the log) took the record.
  comment on failed_at: When the transaction that wrote this row began.
  comment on status: open, replayed (sent again) or discarded (somebody decided that it is not needed).
  comment on status_changed_at: When status left open.
  comment on replay_of: The dead letter whose replay ended here again.
  comment on note: What the person wrote who changed the status.

table events partition by RANGE (event_timestamp)
  column id uuid not null
  column user_id text not null
  column event_type text not null
  column event_timestamp timestamp with time zone not null
  column event_data jsonb not null
  column source text not null
  column event_id text
  column received_at timestamp with time zone not null
  column stored_at timestamp with time zone not null default now()
  column log_partition integer not null
  column log_offset bigint not null
  constraint events_pkey PRIMARY KEY (event_timestamp, id)
  index CREATE UNIQUE INDEX events_pkey ON ONLY public.events USING btree (event_timestamp, id)
  comment One row for each accepted event. Partitioned by UTC month of event_timestamp; partitions are made when they are needed.
  comment on id: UUIDv8 computed from the event itself, so the same event has the same id wherever it is computed; its first 48 bits are the milliseconds of event_timestamp.
  comment on user_id: Who it is about; also the key of the record in the log.
  comment on event_type: What happened, for example purchase.
  comment on event_timestamp: When it happened, by the clock of the client.
  comment on event_data: The client's own data: a JSON object. Numbers keep every digit that was sent.
  comment on source: The system that sent it.
  comment on event_id: The client's own id of the event, unique within its source; null when it sent none.
  comment on received_at: When the receiver took it.
  comment on stored_at: When the transaction that wrote this row began.
  comment on log_partition: Partition of the log from which the row was written.
  comment on log_offset: Offset in that partition.

table kero_migrations
  column id integer not null default nextval('kero_migrations_id_seq'::regclass)
  column name character varying(255) not null
  column run_on timestamp without time zone not null
  constraint kero_migrations_pkey PRIMARY KEY (id)
  index CREATE UNIQUE INDEX kero_migrations_pkey ON public.kero_migrations USING btree (id)

CREATE OR REPLACE FUNCTION public.kero_ensure_events_partition(month date)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO'
AS $function$
declare
  first_day constant date := date_trunc('month', month::timestamp)::date;
  next_month constant date := (first_day + interval '1 month')::date;
  partition_name constant text := 'events_' || to_char(first_day, 'YYYY_MM');
  attached boolean;
begin
  for attempt in 1..2 loop
    select exists (select from pg_inherits i where i.inhrelid = c.oid and i.inhparent = 'public.events'::regclass)
      into attached
      from pg_class c
      where c.relname = partition_name and c.relnamespace = 'public'::regnamespace;
    if attached then
      return false;
    end if;
    if attached is not null then
      raise exception 'the table public.% exists, but is not a partition of public.events', partition_name
        using errcode = 'object_not_in_prerequisite_state', hint = 'Attach it, rename it or drop it.';
    end if;
    -- Whoever comes second waits here, and then looks again. The key is any number that nobody else uses.
    if attempt = 1 then
      perform pg_advisory_xact_lock(1801812591, 2);
    end if;
  end loop;
  execute format('create table public.%I (like public.events including all)', partition_name);
  execute format('alter table public.events attach partition public.%I for values from (%L) to (%L)',
    partition_name, first_day::timestamptz, next_month::timestamptz);
  return true;
end
$function$

  callable by everybody: f
  comment Makes the partition of events for the UTC month of the given day, unless it is there. True when it made it.

CREATE OR REPLACE FUNCTION public.kero_event_time(id uuid)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN to_timestamp(((((('x'::text || "left"(replace((id)::text, '-'::text, ''::text), 12)))::bit(48))::bigint)::double precision / (1000.0)::double precision))

  callable by everybody: t
  comment The event_timestamp that is inside an event's id, cut to the millisecond: makes a look-up by id touch one partition.

CREATE OR REPLACE FUNCTION public.kero_event_type(payload bytea)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT COST 1000
AS $function$
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
$function$

  callable by everybody: t
  comment The event_type in the payload of a dead letter; null where the payload is not a JSON object that has one.
