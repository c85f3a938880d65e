//! What people write: it is refused by its field when nobody could read it, print it, or when it changes other text.

use proto::order::v1::{
    CancelOrderRequest, GetOrderRequest, ListOrdersRequest, PaymentMethod, PlaceOrderRequest,
};
use proto::types::v1::Address;
use testkit::on_both;
use tonic::Code;

use crate::shop::{BUYER, Shop, place_request, request_id};

fn address(request: &mut PlaceOrderRequest) -> &mut Address {
    request.address.as_mut().unwrap()
}

/// A field of an order, and how to write it.
type Field = (&'static str, fn(&mut PlaceOrderRequest, String));

const REQUIRED: &[Field] = &[
    ("address.recipient", |request, text| address(request).recipient = text),
    ("address.line1", |request, text| address(request).line1 = text),
    ("address.city", |request, text| address(request).city = text),
    ("address.postcode", |request, text| address(request).postcode = text),
];
const OPTIONAL: &[Field] = &[
    ("address.line2", |request, text| address(request).line2 = text),
    ("address.state", |request, text| address(request).state = text),
    ("address.phone", |request, text| address(request).phone = text),
    ("client_reference", |request, text| request.client_reference = text),
    ("attributes[note]", |request, text| {
        request.attributes = [("note".to_owned(), text)].into();
    }),
];
const HARMFUL: &[char] =
    &['\0', '\u{1b}', '\u{fffe}', '\u{ffff}', '\u{202e}', '\u{2067}', '\u{fdd0}', '\u{feff}'];

on_both! {
    async fn an_address_has_words_that_can_be_read(database: Database) {
        let shop = Shop::open(&database).await;
        let quote = shop.quote().await;
        let refused_for = async |write: fn(&mut PlaceOrderRequest, String), text: String| {
            let mut request = place_request(&quote, PaymentMethod::Wallet);
            write(&mut request, text);
            let refused = shop.orders(BUYER).place_order(request).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
            assert!(refused.message().len() < 1_100 && refused.details().len() < 6_000, "{refused:?}");
            rpc::status::fields(&refused)
        };
        for (field, write) in REQUIRED {
            for blank in [" ", "!!!", "\u{200b}", "\u{3164}", "\u{200d}\u{200c}"] {
                assert_eq!(refused_for(*write, blank.to_owned()).await, [*field], "{blank:?}");
            }
        }
        for (field, write) in REQUIRED.iter().chain(OPTIONAL) {
            for harmful in HARMFUL {
                assert_eq!(refused_for(*write, format!("Aisyah 5{harmful}0")).await, [*field], "{harmful:?}");
            }
            assert_eq!(refused_for(*write, "7".repeat(300_000)).await, [*field]);
        }
        let key = |request: &mut PlaceOrderRequest, key: String| request.attributes = [(key, String::new())].into();
        assert_eq!(refused_for(key, "!\u{202e}".to_owned()).await, ["attributes[!\\u{202e}]"]);
        assert_eq!(refused_for(key, " note".to_owned()).await, ["attributes[ note]"]);
        assert_eq!(shop.world.held(), (0, 0));
        shop.hub.stop().await;
    }

    async fn what_people_write_is_kept_without_the_blanks_at_its_ends(database: Database) {
        let shop = Shop::open(&database).await;
        let mut request = place_request(&shop.quote().await, PaymentMethod::Wallet);
        address(&mut request).recipient = "  نور\u{200c}الدين & Söhne <3 ".to_owned();
        address(&mut request).postcode = " 50050 ".to_owned();
        request.client_reference = " cart-7 ".to_owned();
        request.attributes = [("gift note".to_owned(), "two\nlines 👩\u{200d}👧".to_owned())].into();
        let order = shop.orders(BUYER).place_order(request).await.unwrap().into_inner().order.unwrap();
        let kept = order.address.clone().unwrap();
        assert_eq!((kept.recipient.as_str(), kept.postcode.as_str()), ("نور\u{200c}الدين & Söhne <3", "50050"));
        assert_eq!(order.attributes["gift note"], "two\nlines 👩\u{200d}👧");
        let list = ListOrdersRequest { client_reference: "cart-7".to_owned(), ..ListOrdersRequest::default() };
        assert_eq!(shop.orders(BUYER).list_orders(list).await.unwrap().into_inner().orders, [order]);
        shop.hub.stop().await;
    }

    async fn a_long_id_is_not_sent_back(database: Database) {
        let shop = Shop::open(&database).await;
        for order_id in ["z".repeat(500_000), format!("{}-7K3Q-2M", "a".repeat(500_000)), format!("MY-{}7K3Q2M", "-".repeat(500_000))] {
            let refused = shop.orders(BUYER).get_order(GetOrderRequest { order_id: order_id.clone() }).await.unwrap_err();
            assert_eq!((refused.code(), rpc::status::fields(&refused)), (Code::InvalidArgument, vec!["order_id".to_owned()]));
            assert!(refused.message().len() + refused.details().len() < 1_000, "{refused:?}");
            let cancel = CancelOrderRequest { request_id: request_id(), order_id, reason: "\u{202e}".repeat(500) };
            let refused = shop.orders(BUYER).cancel_order(cancel).await.unwrap_err();
            assert_eq!(rpc::status::fields(&refused), ["order_id", "reason"]);
            assert!(refused.message().len() + refused.details().len() < 1_500, "{refused:?}");
        }
        shop.hub.stop().await;
    }
}
