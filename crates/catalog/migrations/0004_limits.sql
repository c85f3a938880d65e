-- What the goods of a seller take: how many there are, and the length of their texts.
create table seller_usage (
    seller_id UUID primary key references sellers (seller_id),
    products BIGINT not null,
    letters BIGINT not null
);
insert into seller_usage (seller_id, products, letters)
select seller_id, count(*), sum(length(cast(translations as text))) from products group by seller_id;
