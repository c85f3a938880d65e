-- What the carrier called an event; `carrier_reference` then has the reporter before it, since two carriers may use one name.
-- Null: written before this, and `carrier_reference` is the carrier's own.
alter table tracking_events add column reported_reference TEXT;
