-- Quotes that expired and that nobody ordered are deleted, in the order in which they expired; and the answers that told
-- of them.
create index quotes_by_expiry on quotes (expires_at, id);
create index orders_of_quote on orders (quote_id);
create index requests_by_rpc on requests (rpc, requested_at);
