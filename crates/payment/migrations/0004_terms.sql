-- What was quoted for the consignment, as far as its money goes: this service's own word for it. Null: written by the
-- release before, which kept what order had told (`consignment`), and not yet carried over.
alter table escrows add column terms JSONB;
create index escrows_without_terms on escrows (consignment_id) where terms is null;
