-- The hub's part as it was when the order was confirmed: a new one is for new orders, and a return takes back what the
-- release had taken. Missing for escrows from before: the profile's of the day.
alter table escrows add column commission_rate TEXT;
