-- Large answers are not kept for as long as others.
create index requests_large on requests (requested_at) where length(answer) > 16384;
