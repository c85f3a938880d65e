-- When its seller said that it is packed and may be picked up; null: not yet.
alter table shipments add column ready_at TIMESTAMPTZ;
-- What is in it: descriptions and quantities. Null: booked by the release before.
alter table shipments add column contents JSONB;
-- When it last changed, by the machine's time: sellers' feeds go by it. Null: last changed by the release before.
alter table shipments add column changed_at TIMESTAMPTZ;
create index shipments_by_state on shipments (seller_id, state, shipment_id);
create index shipments_by_change on shipments (seller_id, changed_at, shipment_id);
