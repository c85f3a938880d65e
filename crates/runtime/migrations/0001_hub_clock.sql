-- How far a sandbox hub's business time was moved ahead of the machine's. One row.
create table hub_clock (
    id BIGINT primary key check (id = 1),
    ahead_us BIGINT not null check (ahead_us >= 0)
);
