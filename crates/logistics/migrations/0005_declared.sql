-- What is declared, in this service's own words. Null: drawn up by the release before, which kept a message of the API
-- (`document`), and not yet carried over.
alter table declarations add column declared JSONB;
create index declarations_without_declared on declarations (declaration_id) where declared is null;
