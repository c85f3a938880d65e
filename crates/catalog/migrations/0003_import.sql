-- Movements that state what is on the shelf (a first stock, a count), apart from units that came or left.
alter table movements add column counted BOOLEAN not null default false;
update movements set counted = true where reservation_id is null and reason in ('first stock', 'import');
create index movements_since on movements (stock_item_id, created_at);
drop index movements_of_item;

-- Rows of an import with one group are variants of one product.
alter table products add column import_group TEXT not null default '';
create unique index products_by_group on products (seller_id, import_group) where import_group <> '';

-- Which file stated a variant's stock, so that the same file says nothing new when it comes again.
create table stock_sources (
    variant_id UUID not null references variants (variant_id),
    source TEXT not null,
    as_of TIMESTAMPTZ not null,
    created_at TIMESTAMPTZ not null,
    primary key (variant_id, source)
);
