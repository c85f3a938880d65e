-- The seller's name as the buyer saw it, for the label.
alter table shipments add column sender TEXT not null default '';
