-- When its seller said that it is packed and may be picked up; null: not yet.
alter table shipments add column ready_at TIMESTAMPTZ;
-- What is in it: descriptions and quantities. Null: booked by the release before.
alter table shipments add column contents JSONB;
create index shipments_by_state on shipments (seller_id, state, created_at, shipment_id);
create index shipments_by_date on shipments (seller_id, created_at, shipment_id);
