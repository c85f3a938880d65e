-- Up to when published events may have been deleted from the outbox. One row.
create table outbox_swept (
    id BIGINT primary key check (id = 1),
    through TIMESTAMPTZ not null
);
-- What was deleted before this was noted.
insert into outbox_swept (id, through)
    select 1, max(published_at) from outbox where published_at is not null having max(published_at) is not null;

-- Since when each consumer hears: what was published before need not have come to it.
create table consumers (
    consumer TEXT primary key,
    since TIMESTAMPTZ not null
);
