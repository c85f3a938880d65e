//! Quotes: one landed price that adds up, frozen until it expires.

use kernel::{QuoteId, SellerId, VariantId};
use proto::order::events::v1::OrderConfirmed;
use proto::order::v1::quote_service_client::QuoteServiceClient;
use proto::order::v1::{GetQuoteRequest, OrderState, PaymentMethod, Quote, QuotedConsignment};
use proto::types::v1::{Money, OriginCertificate, Permit, PriceParts};
use testkit::on_both;
use tonic::Code;

use crate::shop::{BUYER, Shop, place_request, quote_request, read_as, reason};
use crate::world::Failure;

fn minor(money: &Option<Money>) -> i64 {
    money.as_ref().unwrap().minor_units
}

fn parts(price: &PriceParts) -> [i64; 6] {
    [&price.goods, &price.carriage, &price.insurance, &price.duty, &price.tax, &price.fees].map(minor)
}

/// Lines add up to consignments, consignments to the quote, parts to totals.
fn adds_up(quote: &Quote) {
    let sum = |prices: Vec<&PriceParts>| -> [i64; 6] {
        let parts: Vec<[i64; 6]> = prices.into_iter().map(parts).collect();
        std::array::from_fn(|place| parts.iter().map(|parts| parts[place]).sum())
    };
    let whole = quote.price.as_ref().unwrap();
    let consignments = quote.consignments.iter().map(|one| one.price.as_ref().unwrap());
    assert_eq!(sum(consignments.collect()), parts(whole));
    assert_eq!(parts(whole).iter().sum::<i64>(), minor(&whole.total));
    for consignment in &quote.consignments {
        let price = consignment.price.as_ref().unwrap();
        let lines = consignment.lines.iter().map(|line| line.price.as_ref().unwrap());
        assert_eq!(sum(lines.collect()), parts(price));
        assert_eq!(parts(price).iter().sum::<i64>(), minor(&price.total));
    }
}

/// What the database has of quotes and requests.
async fn kept(shop: &Shop) -> Vec<String> {
    let read: Result<Vec<String>, db::Error> = shop
        .hub
        .db
        .read(|tx| {
            Box::pin(async move {
                let quotes =
                    db::fetch_all!(tx, (String, String), "select owner, cast(document as text) from quotes")?;
                let requests =
                    db::fetch_all!(tx, (String, Option<Vec<u8>>), "select principal, answer from requests")?;
                let quotes = quotes.into_iter().map(|(owner, document)| owner + &document);
                let requests = requests.into_iter().map(|(principal, answer)| {
                    principal + &String::from_utf8_lossy(&answer.unwrap_or_default())
                });
                Ok(quotes.chain(requests).collect())
            })
        })
        .await;
    read.unwrap()
}

on_both! {
    async fn a_quote_adds_up_in_any_currency(database: Database) {
        let shop = Shop::open(&database).await;
        let other = SellerId::new();
        let (scarf, tea) = (shop.world.sell(shop.seller, "TH", "THB", 777), shop.world.sell(other, "CN", "THB", 31));
        let far = shop.world.sell(shop.seller, "CN", "THB", 5_005);
        let lines: Vec<(&str, i64)> = vec![(&shop.silk, 3), (&tea, 7), (&scarf, 11), (&far, 1)];
        let quote = shop.quote_of(&lines, "").await.unwrap();
        assert_eq!(quote.currency, "MYR");
        let sizes: Vec<usize> = quote.consignments.iter().map(|one| one.lines.len()).collect();
        assert_eq!(sizes, [2, 1, 1]);
        adds_up(&quote);
        let first = &quote.consignments[0];
        // 3 x 100.50 + 11 x 7.77 baht at 0.130211, up to the next sen.
        assert_eq!(minor(&first.seller_goods), 38_697);
        assert_eq!(minor(&first.price.as_ref().unwrap().goods), 5_039);
        assert_eq!(first.hub_price.as_ref().unwrap().carriage, first.price.as_ref().unwrap().carriage);
        assert!(first.charges_rate.is_none() && first.goods_rate.is_some());
        assert_eq!(quote.warnings, ["the reference rate is old", "a rule is assumed"]);
        assert!(!quote.profile_hash.is_empty());

        let dollars = shop.quote_of(&lines, "USD").await.unwrap();
        adds_up(&dollars);
        assert!(dollars.consignments.iter().all(|one| one.charges_rate.is_some() && one.goods_rate.is_some()));
        let baht = shop.quote_of(&lines, "THB").await.unwrap();
        adds_up(&baht);
        assert!(baht.consignments[0].goods_rate.is_none());
        assert_eq!(baht.consignments[0].price.as_ref().unwrap().goods, baht.consignments[0].seller_goods);
        shop.hub.stop().await;
    }

    async fn logistics_hears_what_the_goods_are_charged_at(database: Database) {
        let shop = Shop::open(&database).await;
        let ringgit = shop.world.sell(shop.seller, "TH", "MYR", 777);
        let yuan = shop.world.sell(SellerId::new(), "CN", "CNY", 5_005);
        // In the hub's currency whatever the buyer pays in; nothing for goods that are priced in it.
        for currency in ["", "THB", "USD"] {
            shop.quote_of(&[(&shop.silk, 1), (&ringgit, 1), (&yuan, 1)], currency).await.unwrap();
            let asked = shop.world.state().landed.take().unwrap();
            let rates: Vec<&str> = asked.consignments.iter().map(|one| one.charge_rate.as_str()).collect();
            assert_eq!(rates, ["0.130211", "", "1.5"], "in `{currency}`");
        }
        shop.hub.stop().await;
    }

    async fn sums_that_no_hub_counts_are_refused(database: Database) {
        let shop = Shop::open(&database).await;
        let dear = shop.world.sell(shop.seller, "TH", "THB", 1_000_000_000_000_000);
        for quantity in [2, 70] {
            let refused = shop.quote_of(&[(&dear, quantity)], "").await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "AMOUNT_TOO_LARGE".to_owned()));
        }
        // Each consignment can be counted, their sum cannot.
        let dear = [(); 2].map(|()| shop.world.sell(SellerId::new(), "TH", "MYR", 800_000_000_000_000));
        let refused = shop.quote_of(&[(&dear[0], 1), (&dear[1], 1)], "").await.unwrap_err();
        assert_eq!(reason(&refused), "AMOUNT_TOO_LARGE");
        shop.hub.stop().await;
    }

    async fn goods_that_logistics_cannot_read_are_not_quoted(database: Database) {
        let shop = Shop::open(&database).await;
        shop.world.fail("QuoteLandedCost", [Failure::Misread("consignments[0].lines[0].hs_code")]);
        let refused = shop.quote_of(&[(&shop.silk, 1)], "").await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "GOODS_NOT_QUOTABLE".to_owned()));
        assert!(refused.message().contains("lines[0].hs_code"), "{refused:?}");
        shop.hub.stop().await;
    }

    async fn the_same_request_is_the_same_quote(database: Database) {
        let shop = Shop::open(&database).await;
        let request = quote_request(&[(&shop.silk, 3)], "");
        let first = shop.quotes(BUYER).create_quote(request.clone()).await.unwrap().into_inner();
        let second = shop.quotes(BUYER).create_quote(request.clone()).await.unwrap().into_inner();
        assert_eq!(first, second);
        // What was answered is answered even while a service is away.
        shop.world.away("GetOffers");
        assert_eq!(shop.quotes(BUYER).create_quote(request.clone()).await.unwrap().into_inner(), first);
        let other = quote_request(&[(&shop.silk, 4)], "");
        let refused = shop.quotes(BUYER).create_quote(other.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        shop.world.back();
        shop.quotes(BUYER).create_quote(other).await.unwrap();
        let mut reused = request;
        reused.lines[0].quantity = 9;
        assert_eq!(reason(&shop.quotes(BUYER).create_quote(reused).await.unwrap_err()), "REQUEST_ID_REUSED");
        shop.hub.stop().await;
    }

    async fn a_refusal_is_passed_on_and_kept(database: Database) {
        let shop = Shop::open(&database).await;
        for (rpc, refusal) in [("GetOffers", "OUT_OF_STOCK"), ("QuoteLandedCost", "NO_LANE"), ("LockRates", "RATE_UNAVAILABLE")] {
            shop.world.fail(rpc, [Failure::Refuse(refusal)]);
            let request = quote_request(&[(&shop.silk, 3)], "");
            for _ in 0..2 {
                let refused = shop.quotes(BUYER).create_quote(request.clone()).await.unwrap_err();
                assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, refusal.to_owned()));
            }
        }
        let unknown = VariantId::new().to_string();
        let refused = shop.quote_of(&[(&unknown, 1)], "").await.unwrap_err();
        assert_eq!(reason(&refused), "VARIANT_NOT_FOUND");
        shop.hub.stop().await;
    }

    async fn what_is_wrong_with_a_request_is_named(database: Database) {
        let shop = Shop::open(&database).await;
        let mut request = quote_request(&[("silk", 0), (&shop.silk, 1), (&shop.silk, 1_000_001)], "XXX");
        request.postcode = "1".repeat(21);
        let refused = shop.quotes(BUYER).create_quote(request.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(
            rpc::status::fields(&refused),
            ["currency", "lines[0].variant_id", "lines[0].quantity", "lines[2].variant_id", "lines[2].quantity", "postcode"]
        );
        request.lines.clear();
        request.request_id = "1".to_owned();
        let refused = shop.quotes(BUYER).create_quote(request.clone()).await.unwrap_err();
        assert_eq!(rpc::status::fields(&refused), ["request_id", "currency", "lines", "postcode"]);
        shop.hub.stop().await;
    }

    async fn a_permit_goes_with_the_goods(database: Database) {
        let shop = Shop::open(&database).await;
        let pills = shop.world.sell(SellerId::new(), "TH", "THB", 5_000);
        shop.world.state().offers.get_mut(&pills).unwrap().hs_code = "300490".to_owned();
        // Kuala Lumpur is eight hours ahead of UTC: its day ends at 16:00.
        let last_day = (shop.hub.now() + chrono::Duration::hours(24 + 8)).date_naive();
        let permit = Permit {
            number: "NPRA-2026-114".to_owned(),
            authority: "National Pharmaceutical Regulatory Agency".to_owned(),
            expires_on: last_day.to_string(),
        };
        let blank = |spoil: fn(&mut Permit)| {
            let mut permit = permit.clone();
            spoil(&mut permit);
            Some(permit)
        };
        let request = |permit| {
            let mut request = quote_request(&[(&shop.silk, 1), (&pills, 2)], "");
            request.lines[1].permit = permit;
            request
        };
        let blanks = [
            None,
            blank(|permit| permit.number = " ".to_owned()),
            blank(|permit| permit.authority = "--".to_owned()),
            blank(|permit| permit.expires_on.clear()),
        ];
        for named in blanks {
            let refused = shop.quotes(BUYER).create_quote(request(named)).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "PERMIT_REQUIRED".to_owned()));
            assert_eq!(rpc::status::metadata(&refused, "variant_id").as_deref(), Some(pills.as_str()));
        }
        for wrong in ["31.12.2026", "2027-1-5", "+262026-01-01", "0000-01-01"] {
            let named = Permit { expires_on: wrong.to_owned(), ..permit.clone() };
            let refused = shop.quotes(BUYER).create_quote(request(Some(named))).await.unwrap_err();
            assert_eq!(rpc::status::fields(&refused), ["lines[1].permit.expires_on"], "{wrong}");
        }
        let quote = || async {
            let answer = shop.quotes(BUYER).create_quote(request(Some(permit.clone()))).await.unwrap();
            answer.into_inner().quote.unwrap()
        };
        // It stands in the quote, in the order, and in what logistics declares.
        let quoted = quote().await;
        assert_eq!(quoted.consignments[1].lines[0].permit, Some(permit.clone()));
        let placed = shop.orders(BUYER).place_order(place_request(&quoted, PaymentMethod::Wallet)).await.unwrap();
        let order = placed.into_inner().order.unwrap();
        assert_eq!(order.consignments[1].quoted.as_ref().unwrap().lines[0].permit, Some(permit.clone()));
        let told: Vec<OrderConfirmed> = shop.hub.told_of("order.confirmed.v1").await;
        assert_eq!(told[0].consignments[1].lines[0].permit, Some(permit.clone()));
        // One that has run out since is none.
        let midnight = last_day.and_hms_opt(16, 0, 0).unwrap().and_utc();
        shop.hub.advance(midnight - shop.hub.now() - chrono::Duration::minutes(5));
        let quoted = quote().await;
        shop.hub.advance(chrono::Duration::minutes(6));
        let refused = shop.orders(BUYER).place_order(place_request(&quoted, PaymentMethod::Wallet)).await.unwrap_err();
        assert_eq!(reason(&refused), "PERMIT_REQUIRED");
        shop.hub.stop().await;
    }

    async fn a_certificate_goes_with_the_preference_that_it_proves(database: Database) {
        let shop = Shop::open(&database).await;
        let mut certificates = Vec::new();
        for (preference, number) in [("ATIGA", "D-2026-00417"), ("", "D-2026-00418"), ("ATIGA", "")] {
            let scarf = shop.world.sell(SellerId::new(), "TH", "THB", 5_000);
            let mut world = shop.world.state();
            let offer = world.offers.get_mut(&scarf).unwrap();
            offer.preference = preference.to_owned();
            offer.certificate = (!number.is_empty()).then(|| OriginCertificate {
                number: number.to_owned(),
                issued_on: "2026-01-31".to_owned(),
                expires_on: "2027-01-30".to_owned(),
            });
            certificates.push((scarf, offer.certificate.clone().filter(|_| !preference.is_empty())));
        }
        let wanted: Vec<_> = certificates.iter().map(|(variant, _)| (variant.as_str(), 1)).collect();
        let answer = shop.quotes(BUYER).create_quote(quote_request(&wanted, "")).await.unwrap();
        let quoted = answer.into_inner().quote.unwrap();
        shop.orders(BUYER).place_order(place_request(&quoted, PaymentMethod::Wallet)).await.unwrap();
        // It stands in the quote and in what logistics declares, and only where it is claimed.
        let told: Vec<OrderConfirmed> = shop.hub.told_of("order.confirmed.v1").await;
        let declared = told[0].consignments.iter().map(read_as).collect::<Vec<QuotedConsignment>>();
        for consignments in [&quoted.consignments, &declared] {
            assert_eq!(consignments.len(), certificates.len());
            for line in consignments.iter().flat_map(|consignment| &consignment.lines) {
                let (_, claimed) = certificates.iter().find(|(variant, _)| *variant == line.variant_id).unwrap();
                assert_eq!(line.certificate, *claimed);
            }
        }
        shop.hub.stop().await;
    }

    async fn a_quote_belongs_to_the_one_who_asked(database: Database) {
        let shop = Shop::open(&database).await;
        let own = shop.quote().await;
        let request = |quote: &Quote| GetQuoteRequest { quote_id: quote.quote_id.clone(), ..GetQuoteRequest::default() };
        assert_eq!(shop.quotes(BUYER).get_quote(request(&own)).await.unwrap().into_inner().quote, Some(own.clone()));
        assert_eq!(shop.quotes("mallory").get_quote(request(&own)).await.unwrap_err().code(), Code::NotFound);
        let mut anyone = QuoteServiceClient::new(shop.hub.anyone());
        assert_eq!(anyone.get_quote(request(&own)).await.unwrap_err().code(), Code::NotFound);
        let missing = GetQuoteRequest { quote_id: QuoteId::new().to_string(), ..GetQuoteRequest::default() };
        assert_eq!(reason(&anyone.get_quote(missing).await.unwrap_err()), "QUOTE_NOT_FOUND");
        shop.hub.stop().await;
    }

    async fn a_guests_quote_is_for_those_who_hold_its_secret(database: Database) {
        let shop = Shop::open(&database).await;
        let mut anyone = QuoteServiceClient::new(shop.hub.anyone());
        let own = "8b0c7f4e-6f0e-4f43-9d7a-0c5a7e1b2d3f";
        for secret in [own, ""] {
            let mut request = quote_request(&[(&shop.silk, 1)], "");
            request.guest_secret = secret.to_owned();
            let answer = anyone.create_quote(request).await.unwrap().into_inner();
            let quote = answer.quote.unwrap();
            // It is told once, to a guest who brought none.
            assert_eq!(answer.guest_secret.is_empty(), !secret.is_empty());
            let secret = if secret.is_empty() { answer.guest_secret } else { secret.to_owned() };
            let get = |guest_secret: &str| GetQuoteRequest {
                quote_id: quote.quote_id.clone(),
                guest_secret: guest_secret.to_owned(),
            };
            assert_eq!(anyone.get_quote(get(&secret)).await.unwrap().into_inner().quote, Some(quote.clone()));
            for wrong in ["", "another-secret-of-a-guest"] {
                assert_eq!(reason(&anyone.get_quote(get(wrong)).await.unwrap_err()), "QUOTE_NOT_FOUND");
                assert_eq!(reason(&shop.quotes(BUYER).get_quote(get(wrong)).await.unwrap_err()), "QUOTE_NOT_FOUND");
                let mut place = place_request(&quote, PaymentMethod::Wallet);
                place.guest_secret = wrong.to_owned();
                assert_eq!(reason(&shop.orders(BUYER).place_order(place).await.unwrap_err()), "QUOTE_NOT_FOUND");
            }
            // The guest has signed in.
            let mut place = place_request(&quote, PaymentMethod::Wallet);
            place.guest_secret = secret;
            let placed = shop.orders(BUYER).place_order(place).await.unwrap();
            assert_eq!(placed.into_inner().order.unwrap().state(), OrderState::Confirmed);
        }
        let mut guessable = quote_request(&[(&shop.silk, 1)], "");
        guessable.guest_secret = "1234".to_owned();
        assert_eq!(rpc::status::fields(&anyone.create_quote(guessable).await.unwrap_err()), ["guest_secret"]);
        shop.hub.stop().await;
    }

    async fn guests_share_no_request_ids(database: Database) {
        let shop = Shop::open(&database).await;
        let mut anyone = QuoteServiceClient::new(shop.hub.anyone());
        let mut request = quote_request(&[(&shop.silk, 1)], "");
        let (one, other) = ("8b0c7f4e-6f0e-4f43-9d7a-0c5a7e1b2d3f", "f1e2d3c4-6f0e-4f43-9d7a-0c5a7e1b2d3f");
        let mut seen = Vec::new();
        for secret in [one, other, ""] {
            request.guest_secret = secret.to_owned();
            let first = anyone.create_quote(request.clone()).await.unwrap().into_inner();
            let again = anyone.create_quote(request.clone()).await.unwrap().into_inner();
            assert_eq!(first == again, !secret.is_empty());
            seen.extend([first.quote.unwrap().quote_id, again.quote.unwrap().quote_id]);
        }
        seen.dedup();
        assert_eq!(seen.len(), 4);
        // The same guest has used it for something else; another has not.
        request.lines[0].quantity = 2;
        request.guest_secret = one.to_owned();
        assert_eq!(reason(&anyone.create_quote(request.clone()).await.unwrap_err()), "REQUEST_ID_REUSED");
        request.guest_secret.clear();
        anyone.create_quote(request).await.unwrap();
        shop.hub.stop().await;
    }

    async fn secrets_of_guests_are_not_kept(database: Database) {
        let shop = Shop::open(&database).await;
        let mut anyone = QuoteServiceClient::new(shop.hub.anyone());
        let own = "8b0c7f4e-6f0e-4f43-9d7a-0c5a7e1b2d3f";
        let mut request = quote_request(&[(&shop.silk, 1)], "");
        request.guest_secret = own.to_owned();
        anyone.create_quote(request).await.unwrap();
        let made = anyone.create_quote(quote_request(&[(&shop.silk, 1)], "")).await.unwrap().into_inner();
        let kept = kept(&shop).await;
        assert_eq!(kept.iter().filter(|text| text.contains("guest:")).count(), 4, "{kept:?}");
        for secret in [own, made.guest_secret.as_str()] {
            assert!(!kept.iter().any(|text| text.contains(secret)), "{secret}");
        }
        shop.hub.stop().await;
    }
}
