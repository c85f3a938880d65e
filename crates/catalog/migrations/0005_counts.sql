-- As of when a shelf was last counted: an older count says nothing of it any more.
alter table stock_items add column counted_as_of TIMESTAMPTZ;

-- How many units a source stated; unknown for those before.
alter table stock_sources add column units BIGINT;
