-- Which database this is. One row, written when the database is first used.
create table database_identity (
    id BIGINT primary key check (id = 1),
    hub TEXT not null,
    service TEXT not null,
    -- Made once, at random: another database has another one.
    generation UUID not null,
    -- Grows while the database is written to.
    mark BIGINT not null,
    created_at TIMESTAMPTZ not null,
    touched_at TIMESTAMPTZ not null
);

-- What is known here of the databases of the hub's other services.
create table known_databases (
    service TEXT primary key,
    generation UUID not null,
    mark BIGINT not null,
    noted_at TIMESTAMPTZ not null
);

-- When somebody said that a service's database may be another one, or older, than was known here.
create table adoptions (
    id UUID primary key,
    service TEXT not null,
    adopted_by TEXT not null,
    adopted_at TIMESTAMPTZ not null,
    known_generation UUID,
    known_mark BIGINT,
    generation UUID not null,
    mark BIGINT not null
);
