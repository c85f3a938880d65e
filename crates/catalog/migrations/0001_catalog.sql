-- Firms that sell.
create table sellers (
    seller_id UUID primary key,
    display_name TEXT not null,
    country TEXT not null,
    registration_number TEXT not null,
    tax_registered BOOLEAN not null,
    payout_currency TEXT not null,
    state TEXT not null,
    state_reason TEXT not null default '',
    version BIGINT not null default 1,
    created_at TIMESTAMPTZ not null
);
create index sellers_by_name on sellers (display_name, seller_id);

-- Places that they ship from.
create table locations (
    location_id UUID primary key,
    seller_id UUID not null references sellers (seller_id),
    name TEXT not null,
    country TEXT not null,
    postcode TEXT not null
);
create index locations_of_seller on locations (seller_id, location_id);

-- Goods on a shelf. Never fewer than orders hold.
create table stock_items (
    stock_item_id UUID primary key,
    seller_id UUID not null references sellers (seller_id),
    location_id UUID not null references locations (location_id),
    sku TEXT not null,
    on_hand BIGINT not null,
    reserved BIGINT not null default 0,
    check (reserved >= 0 and on_hand >= reserved)
);
create index stock_of_seller on stock_items (seller_id, stock_item_id);

-- Every change of what is on a shelf.
create table movements (
    movement_id UUID primary key,
    stock_item_id UUID not null references stock_items (stock_item_id),
    delta BIGINT not null,
    reason TEXT not null,
    reservation_id UUID,
    created_at TIMESTAMPTZ not null
);
create index movements_of_item on movements (stock_item_id);

-- What a seller offers.
create table products (
    product_id UUID primary key,
    seller_id UUID not null references sellers (seller_id),
    category TEXT not null,
    translations JSONB not null,
    withdrawn BOOLEAN not null default false,
    version BIGINT not null default 1,
    created_at TIMESTAMPTZ not null,
    updated_at TIMESTAMPTZ not null
);
create index products_of_seller on products (seller_id, product_id);
create index products_of_category on products (category, product_id);

-- One thing that can be bought.
create table variants (
    variant_id UUID primary key,
    product_id UUID not null references products (product_id),
    seller_id UUID not null,
    sku TEXT not null,
    name TEXT not null,
    price_minor BIGINT not null check (price_minor > 0),
    currency TEXT not null,
    hs_code TEXT not null,
    origin TEXT not null,
    weight_grams BIGINT not null,
    length_mm BIGINT not null,
    width_mm BIGINT not null,
    height_mm BIGINT not null,
    stock_item_id UUID not null references stock_items (stock_item_id),
    stock_units BIGINT not null check (stock_units > 0),
    preference TEXT not null,
    offered BOOLEAN not null default true,
    unique (seller_id, sku)
);
create index variants_of_product on variants (product_id, variant_id);

-- The words of titles, descriptions and codes: our own search, alike on both engines.
create table terms (
    product_id UUID not null references products (product_id),
    term TEXT not null,
    primary key (product_id, term)
);
create index terms_by_word on terms (term, product_id);

-- Holds of stock for orders, and the tombstones of those that must never be.
create table reservations (
    reservation_id UUID primary key,
    order_id UUID not null,
    state TEXT not null,
    version BIGINT not null default 1,
    lines JSONB not null,
    created_at TIMESTAMPTZ not null
);
create index reservations_held on reservations (reservation_id) where state = 'held';

-- Goods that came back, each return once.
create table returned_goods (
    return_id TEXT primary key,
    reservation_id UUID not null,
    lines JSONB not null
);
create index returned_of_reservation on returned_goods (reservation_id);
