-- events and dead_letters, and the two functions that go with them. Names are qualified throughout, so that nothing
-- depends on the search_path of whoever runs this.

create table public.events (
  id              uuid        not null,
  user_id         text        not null,
  event_type      text        not null,
  event_timestamp timestamptz not null,
  event_data      jsonb       not null,
  source          text        not null,
  event_id        text,
  received_at     timestamptz not null,
  stored_at       timestamptz not null default now(),
  log_partition   integer     not null,
  log_offset      bigint      not null,
  constraint events_pkey primary key (event_timestamp, id)
) partition by range (event_timestamp);

comment on table public.events is
  'One row for each accepted event. Partitioned by UTC month of event_timestamp; partitions are made when they are needed.';
comment on column public.events.id is
  'UUIDv8 computed from the event itself, so the same event has the same id wherever it is computed; its first 48 bits are the milliseconds of event_timestamp.';
comment on column public.events.user_id is 'Who it is about; also the key of the record in the log.';
comment on column public.events.event_type is 'What happened, for example purchase.';
comment on column public.events.event_timestamp is 'When it happened, by the clock of the client.';
comment on column public.events.event_data is 'The client''s own data: a JSON object. Numbers keep every digit that was sent.';
comment on column public.events.source is 'The system that sent it.';
comment on column public.events.event_id is 'The client''s own id of the event, unique within its source; null when it sent none.';
comment on column public.events.received_at is 'When the receiver took it.';
comment on column public.events.stored_at is 'When the transaction that wrote this row began.';
comment on column public.events.log_partition is 'Partition of the log from which the row was written.';
comment on column public.events.log_offset is 'Offset in that partition.';

create table public.dead_letters (
  dead_letter_id    bigint generated always as identity,
  id                uuid,
  reason            text        not null,
  detail            text        not null,
  payload           bytea,
  record_key        bytea,
  record_headers    jsonb       not null,
  log_id            uuid        not null,
  log_partition     integer     not null,
  log_offset        bigint      not null,
  received_at       timestamptz not null,
  failed_at         timestamptz not null default now(),
  status            text        not null default 'open',
  status_changed_at timestamptz,
  replay_of         bigint,
  constraint dead_letters_pkey primary key (dead_letter_id),
  constraint dead_letters_log_position_key unique (log_id, log_partition, log_offset),
  constraint dead_letters_status_check check (status in ('open', 'replayed', 'discarded')),
  constraint dead_letters_replay_of_fkey foreign key (replay_of) references public.dead_letters (dead_letter_id)
);

comment on table public.dead_letters is
  'One row for each record of the log that did not become a row of events: the record as it was, where it stands, and why.';
comment on column public.dead_letters.id is 'The id of the event, where it could be worked out.';
comment on column public.dead_letters.reason is
  'not_an_event, invalid, conflict, refused_by_database or expired; docs/errors.md explains each.';
comment on column public.dead_letters.detail is 'What is wrong, for a person; names the place in the event.';
comment on column public.dead_letters.payload is 'The value of the record, byte for byte; null when the record had none (a tombstone).';
comment on column public.dead_letters.record_key is 'The key of the record.';
comment on column public.dead_letters.record_headers is 'The headers of the record, in order: [name, value] pairs.';
comment on column public.dead_letters.log_id is 'Which log: the id of the Kafka topic, or of the embedded log.';
comment on column public.dead_letters.log_partition is 'Partition of the log.';
comment on column public.dead_letters.log_offset is 'Offset in that partition.';
comment on column public.dead_letters.received_at is 'When the receiver (or, for other writers, the log) took the record.';
comment on column public.dead_letters.failed_at is 'When the transaction that wrote this row began.';
comment on column public.dead_letters.status is 'open, replayed (sent again) or discarded (somebody decided that it is not needed).';
comment on column public.dead_letters.status_changed_at is 'When status left open.';
comment on column public.dead_letters.replay_of is 'The dead letter whose replay ended here again.';

-- A plain CREATE TABLE ... PARTITION OF would lock events against every reader and writer; CREATE and ATTACH do not.
-- security definer: the writer may call this without the right to create tables.
create function public.kero_ensure_events_partition(month date) returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- The bounds below are written as text and read again.
set timezone = 'UTC'
set datestyle = 'ISO'
as $$
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
$$;

comment on function public.kero_ensure_events_partition(date) is
  'Makes the partition of events for the UTC month of the given day, unless it is there. True when it made it.';
revoke all on function public.kero_ensure_events_partition(date) from public;

create function public.kero_event_time(id uuid) returns timestamptz
language sql
immutable strict parallel safe
return to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0::double precision);

comment on function public.kero_event_time(uuid) is
  'The event_timestamp that is inside an event''s id, cut to the millisecond: makes a look-up by id touch one partition.';
