//! Carriage, duty and tax for quotes.

use proto::logistics::internal::v1::{
    ConsignmentToQuote, ExactCharges, LineToQuote, QuoteLandedCostRequest, QuotedLandedCost,
};
use proto::logistics::v1::QuoteCarriageRequest;
use proto::logistics::v1::carriage_service_client::CarriageServiceClient;
use proto::types::v1::{Dimensions, Money, OriginCertificate, PriceParts};
use rpc::status::{fields, metadata, reason};
use runtime::Sandbox;
use rust_decimal::Decimal;
use testkit::on_both;
use tonic::{Code, Status};

use crate::depot::{Depot, permit, silk};

fn consignment(from: &str, lines: Vec<LineToQuote>) -> ConsignmentToQuote {
    ConsignmentToQuote {
        from_country: from.to_owned(),
        seller_tax_registered: true,
        lines,
        charge_rate: String::new(),
    }
}

async fn quote(
    depot: &Depot,
    consignments: Vec<ConsignmentToQuote>,
) -> Result<Vec<QuotedLandedCost>, Status> {
    quote_by(depot, consignments, "").await
}

async fn quote_by(
    depot: &Depot,
    consignments: Vec<ConsignmentToQuote>,
    carriage_service: &str,
) -> Result<Vec<QuotedLandedCost>, Status> {
    let carriage_service = carriage_service.to_owned();
    let request =
        QuoteLandedCostRequest { consignments, carriage_service, ..QuoteLandedCostRequest::default() };
    Ok(depot.costs().quote_landed_cost(request).await?.into_inner().consignments)
}

/// What each service of the hub comes to, with the service's code and its carriage.
async fn by_service(depot: &Depot, consignment: &ConsignmentToQuote) -> Vec<(i64, i64, String)> {
    let mut costs = Vec::new();
    for service in ["selat-packet", "monsoon-courier", "monsoon-sea"] {
        let quoted = quote_by(depot, vec![consignment.clone()], service).await.unwrap();
        let [_, carriage, .., total] = minor(quoted[0].price.as_ref().unwrap());
        costs.push((total, carriage, quoted[0].carriage.as_ref().unwrap().service.clone()));
    }
    costs
}

/// Goods, carriage, insurance, duty, tax, fees, total.
fn minor(price: &PriceParts) -> [i64; 7] {
    let part = |part: &Option<proto::types::v1::Money>| part.as_ref().unwrap().minor_units;
    [
        part(&price.goods),
        part(&price.carriage),
        part(&price.insurance),
        part(&price.duty),
        part(&price.tax),
        part(&price.fees),
        part(&price.total),
    ]
}

fn off(line: LineToQuote, currency: &str, minor_units: i64) -> LineToQuote {
    LineToQuote { discount: Some(Money { currency: currency.to_owned(), minor_units }), ..line }
}

on_both! {
    async fn low_value_goods_bear_tax_and_no_duty(database: Database) {
        let depot = Depot::open(&database).await;
        let quoted = quote(&depot, vec![consignment("TH", vec![silk("MYR", 6_000, 2)])]).await.unwrap();
        // 120.00, 300 g by volume to 500 g, 0.5% insurance, 10% of the price; by post under 500: no duty.
        assert_eq!(minor(quoted[0].price.as_ref().unwrap()), [12_000, 1_720, 60, 0, 1_200, 0, 14_980]);
        assert_eq!(quoted[0].seller_collected_tax.as_ref().unwrap().minor_units, 1_200);
        assert!(quoted[0].customs_rate.is_none());
        assert!(quoted[0].rules.iter().any(|rule| rule.rule_id.starts_with("low-value-goods")));
        depot.hub.stop().await;
    }

    async fn exact_charges_are_told_where_they_are_wanted(database: Database) {
        let depot = Depot::open(&database).await;
        let consignments = vec![consignment("TH", vec![silk("MYR", 6_000, 2), silk("MYR", 6_050, 1)])];
        let mut quoted = quote(&depot, consignments.clone()).await.unwrap();
        let exact = |charges: &ExactCharges| charges.tax.parse::<Decimal>().unwrap().round_dp(9).normalize().to_string();
        let taxes: Vec<String> = quoted[0].charges.iter().map(exact).collect();
        // 10% of 120.00 and of 60.50, but for what a decimal cuts off.
        assert_eq!(taxes, ["12", "6.05"]);
        let request =
            QuoteLandedCostRequest { consignments, without_charges: true, ..QuoteLandedCostRequest::default() };
        let without = depot.costs().quote_landed_cost(request).await.unwrap().into_inner().consignments;
        quoted[0].charges.clear();
        assert_eq!(without, quoted);
        depot.hub.stop().await;
    }

    async fn low_value_is_the_price_that_the_buyer_is_charged(database: Database) {
        let depot = Depot::open(&database).await;
        // THB 3,800.00 at 0.130305 is MYR 495.159; at 0.1316 it is MYR 500.08, and no item of low value.
        for (charge_rate, seller_tax) in [("0.130305", 4_952), ("0.1316", 0)] {
            let line = silk("THB", 380_000, 1);
            let asked = ConsignmentToQuote { charge_rate: charge_rate.to_owned(), ..consignment("TH", vec![line]) };
            let quoted = quote(&depot, vec![asked]).await.unwrap();
            assert_eq!(quoted[0].seller_collected_tax.as_ref().unwrap().minor_units, seller_tax);
            let told = quoted[0].rules.iter().any(|rule| rule.explanation.contains("at 0.130305 MYR for 1 THB"));
            assert_eq!(told, seller_tax > 0, "{:?}", quoted[0].rules);
        }
        for wrong in ["0", "-1", "one"] {
            let line = silk("THB", 380_000, 1);
            let asked = ConsignmentToQuote { charge_rate: wrong.to_owned(), ..consignment("TH", vec![line]) };
            let refused = quote(&depot, vec![asked]).await.unwrap_err();
            assert_eq!(fields(&refused), ["consignments[0].charge_rate"]);
        }
        depot.hub.stop().await;
    }

    async fn a_registered_marketplace_counts_as_the_seller(database: Database) {
        let (file, text) = hub::builtin("my").unwrap();
        for (line, seller_tax) in [("marketplace_registered = false", 0), ("marketplace_registered = true", 1_200)] {
            let text = text.replacen("marketplace_registered = false", line, 1);
            let depot = Depot::of(hub::Profile::parse(file, &text).unwrap(), &database, |setup| setup).await;
            let lines = vec![silk("MYR", 6_000, 2)];
            let unregistered = ConsignmentToQuote { seller_tax_registered: false, ..consignment("TH", lines) };
            let quoted = quote(&depot, vec![unregistered]).await.unwrap();
            assert_eq!(quoted[0].seller_collected_tax.as_ref().unwrap().minor_units, seller_tax);
            depot.hub.stop().await;
        }
    }

    async fn sums_that_no_hub_counts_are_refused(database: Database) {
        let depot = Depot::open(&database).await;
        for (minor_units, quantity) in [(1_000_000_000_000_000, 100), (1_000_000_000_000_000, 1)] {
            let refused = quote(&depot, vec![consignment("TH", vec![silk("MYR", minor_units, quantity)])]).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::FailedPrecondition, Some("AMOUNT_TOO_LARGE")));
        }
        depot.hub.stop().await;
    }

    async fn the_service_is_the_one_that_comes_to_the_least(database: Database) {
        let depot = Depot::open(&database).await;
        // By sea the carriage costs less; by post no duty is due, and it is there sooner.
        let goods = LineToQuote { weight_grams: 8_700, ..silk("MYR", 35_800, 1) };
        let asked = consignment("TH", vec![goods]);
        let mut costs = by_service(&depot, &asked).await;
        let carriages = costs.clone().into_iter().map(|(_, carriage, service)| (carriage, service));
        assert_eq!(carriages.min().unwrap(), (12_000, "monsoon-sea".to_owned()));
        costs.sort_unstable();
        assert_eq!((costs[0].1, costs[0].2.as_str()), (12_280, "selat-packet"));
        let quoted = quote(&depot, vec![asked]).await.unwrap();
        assert_eq!(quoted[0].carriage.as_ref().unwrap().service, "selat-packet");
        assert_eq!(minor(quoted[0].price.as_ref().unwrap())[6], costs[0].0);
        depot.hub.stop().await;
    }

    async fn of_equal_totals_the_faster_is_taken(database: Database) {
        let (file, text) = hub::builtin("my").unwrap();
        // The courier costs what the post does.
        let text = text
            .replacen("first_price = \"14.00\"\nnext_price = \"3.20\"", "first_price = \"38.00\"\nnext_price = \"0.00\"", 1);
        let depot = Depot::of(hub::Profile::parse(file, &text).unwrap(), &database, |setup| setup).await;
        let quoted = quote(&depot, vec![consignment("TH", vec![silk("MYR", 6_000, 1)])]).await.unwrap();
        assert_eq!(quoted[0].carriage.as_ref().unwrap().service, "monsoon-courier");
        depot.hub.stop().await;
    }

    async fn a_service_that_is_not_offered_is_refused(database: Database) {
        let depot = Depot::open(&database).await;
        let light = || consignment("TH", vec![silk("MYR", 6_000, 1)]);
        let refused = quote_by(&depot, vec![light()], "pigeon-post").await.unwrap_err();
        assert_eq!(reason(&refused).as_deref(), Some("CARRIAGE_SERVICE_NOT_OFFERED"));
        assert_eq!(metadata(&refused, "offered").as_deref(), Some("selat-packet, monsoon-courier, monsoon-sea"));
        assert!(refused.message().contains("`pigeon-post`") && refused.message().contains("monsoon-sea"), "{refused:?}");
        // Known, and too heavy for it.
        let heavy = consignment("TH", vec![LineToQuote { weight_grams: 40_000, ..silk("MYR", 6_000, 1) }]);
        let refused = quote_by(&depot, vec![light(), heavy], "selat-packet").await.unwrap_err();
        assert_eq!(reason(&refused).as_deref(), Some("CARRIAGE_SERVICE_NOT_OFFERED"));
        assert_eq!(metadata(&refused, "consignment").as_deref(), Some("1"));
        assert_eq!(metadata(&refused, "offered").as_deref(), Some("monsoon-sea, monsoon-courier"));
        depot.hub.stop().await;
    }

    async fn lines_add_up_to_the_whole(database: Database) {
        let depot = Depot::open(&database).await;
        let lines = vec![silk("THB", 10_051, 3), silk("THB", 333, 7), silk("THB", 99_999, 1)];
        let quoted = quote(&depot, vec![consignment("TH", lines)]).await.unwrap();
        let lines: Vec<[i64; 7]> = quoted[0].lines.iter().map(minor).collect();
        let sum = lines.iter().fold([0; 7], |sum, line| std::array::from_fn(|part| sum[part] + line[part]));
        assert_eq!(sum, minor(quoted[0].price.as_ref().unwrap()));
        let rate = quoted[0].customs_rate.as_ref().unwrap();
        assert_eq!((rate.from_currency.as_str(), rate.to_currency.as_str()), ("THB", "MYR"));
        assert!(quoted[0].warnings.iter().any(|warning| warning.contains("only a sandbox")));
        depot.hub.stop().await;
    }

    async fn what_cannot_be_quoted_says_why(database: Database) {
        let depot = Depot::open(&database).await;
        let fine = || consignment("TH", vec![silk("MYR", 100, 1)]);
        let arms = LineToQuote { hs_code: "930200".to_owned(), ..silk("MYR", 100, 1) };
        let heavy = LineToQuote { weight_grams: 1_000_000, ..silk("MYR", 100, 100) };
        for (bad, why) in [
            (consignment("FR", vec![silk("MYR", 100, 1)]), "NO_LANE"),
            (consignment("TH", vec![silk("MYR", 100, 1), arms]), "GOODS_PROHIBITED"),
            (consignment("TH", vec![heavy]), "NO_CARRIAGE"),
            (consignment("TH", vec![silk("KWD", 100, 1)]), "CUSTOMS_RATE_UNAVAILABLE"),
        ] {
            let refused = quote(&depot, vec![fine(), bad]).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::FailedPrecondition, Some(why)));
            assert_eq!(metadata(&refused, "consignment").as_deref(), Some("1"));
        }
        depot.hub.stop().await;
    }

    async fn goods_that_need_a_permit_come_with_one_that_holds(database: Database) {
        let depot = Depot::open(&database).await;
        let medicine = |permit| LineToQuote { hs_code: "300490".to_owned(), permit, ..silk("MYR", 100, 1) };
        // Kuala Lumpur is eight hours ahead of UTC.
        let today = (depot.hub.now() + chrono::Duration::hours(8)).date_naive();
        let (yesterday, today) = (today.pred_opt().unwrap().to_string(), today.to_string());
        for named in [None, Some(permit(&yesterday))] {
            let lines = vec![silk("MYR", 100, 1), medicine(named)];
            let refused = quote(&depot, vec![consignment("TH", lines)]).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::FailedPrecondition, Some("PERMIT_REQUIRED")));
            assert_eq!(metadata(&refused, "line").as_deref(), Some("1"));
        }
        // Its last day counts, and the buyer is told what it is for.
        let quoted = quote(&depot, vec![consignment("TH", vec![medicine(Some(permit(&today)))])]).await.unwrap();
        assert!(quoted[0].warnings.iter().any(|warning| warning.contains("permit")), "{:?}", quoted[0].warnings);
        depot.hub.stop().await;
    }

    async fn a_preference_needs_a_certificate_that_holds_and_direct_consignment(database: Database) {
        let depot = Depot::open(&database).await;
        // Kuala Lumpur is eight hours ahead of UTC.
        let today = (depot.hub.now() + chrono::Duration::hours(8)).date_naive();
        let day = |days: i64| (today + chrono::Duration::days(days)).to_string();
        let certificate = |from: i64, to: i64| OriginCertificate {
            number: "D-77".to_owned(),
            issued_on: day(from),
            expires_on: day(to),
        };
        // Dear enough to bear duty; of 10% and none under ATIGA.
        let silk = |certificate| LineToQuote { preference: "ATIGA".to_owned(), certificate, ..silk("MYR", 60_000, 1) };
        for (from, certificate, why) in [
            ("TH", Some(certificate(0, 0)), None),
            ("TH", None, Some("there is no certificate of origin")),
            ("TH", Some(certificate(1, 30)), Some("is issued on")),
            ("TH", Some(certificate(-30, -1)), Some("expired on")),
            // Thai goods from a shelf in Britain.
            ("GB", Some(certificate(-30, 30)), Some("not consigned directly")),
        ] {
            let quoted = quote(&depot, vec![consignment(from, vec![silk(certificate)])]).await.unwrap();
            let duty = minor(quoted[0].price.as_ref().unwrap())[3];
            assert_eq!(duty == 0, why.is_none(), "{from} {why:?}: {duty}");
            let told = |why: &&str| quoted[0].warnings.iter().any(|warning| warning.contains(why));
            assert!(why.iter().all(told), "{:?}", quoted[0].warnings);
        }
        depot.hub.stop().await;
    }

    async fn a_preference_without_a_rate_is_told(database: Database) {
        let claimed = |preference: &str, hs_code: &str, origin: &str, (currency, price): (&str, i64)| LineToQuote {
            preference: preference.to_owned(),
            certificate: Some(OriginCertificate {
                number: "E-78".to_owned(),
                issued_on: "2026-01-01".to_owned(),
                expires_on: "2027-12-31".to_owned(),
            }),
            hs_code: hs_code.to_owned(),
            origin: origin.to_owned(),
            category: "books".to_owned(),
            ..silk(currency, price, 1)
        };
        let (ringgit, rupiah) = (("MYR", 300_000), ("IDR", 300_000_000));
        for (hub, from, line, why, duty) in [
            ("my", "CN", claimed("ACFTA", "700991", "CN", ringgit), "no rate under ACFTA", 15),
            ("my", "TH", claimed("ATIGA", "392690", "TH", ringgit), "no rate under ATIGA", 5),
            // Shoes, though the seller calls them books, which bear none.
            ("id", "TH", claimed("ATIGA", "640411", "TH", rupiah), "no lower rate under ATIGA", 25),
        ] {
            let depot = Depot::at(hub, &database.another().await, |setup| setup).await;
            let quoted = quote(&depot, vec![consignment(from, vec![line])]).await.unwrap();
            let (value, parts) = (quoted[0].customs_value.as_ref().unwrap().minor_units, minor(quoted[0].price.as_ref().unwrap()));
            assert_eq!((parts[3] * 100 + value / 2) / value, duty, "{hub}: {parts:?}");
            assert!(quoted[0].warnings.iter().any(|warning| warning.contains(why)), "{hub}: {:?}", quoted[0].warnings);
            depot.hub.stop().await;
        }
    }

    async fn a_discount_lowers_what_is_paid_for_the_goods(database: Database) {
        let depot = Depot::open(&database).await;
        // 3 for 100.00 in all, which no price of one gives; the whole price off gives nothing to value.
        for (line, goods) in [(off(silk("MYR", 4_000, 3), "MYR", 2_000), 10_000), (off(silk("MYR", 50, 2), "MYR", 100), 0)] {
            let quoted = quote(&depot, vec![consignment("TH", vec![line])]).await.unwrap();
            assert_eq!(minor(quoted[0].price.as_ref().unwrap())[0], goods);
        }
        let [halved, cheap] = [off(silk("MYR", 12_000, 2), "MYR", 12_000), silk("MYR", 6_000, 2)];
        let quoted = quote(&depot, vec![consignment("TH", vec![halved]), consignment("TH", vec![cheap])]).await.unwrap();
        assert_eq!((&quoted[0].price, &quoted[0].customs_value), (&quoted[1].price, &quoted[1].customs_value));
        depot.hub.stop().await;
    }

    async fn what_is_wrong_is_named(database: Database) {
        let depot = Depot::open(&database).await;
        let line = silk("MYR", 100, 1);
        for (bad, field) in [
            (LineToQuote { quantity: 0, ..line.clone() }, "consignments[0].lines[1].quantity"),
            (LineToQuote { hs_code: "62x".to_owned(), ..line.clone() }, "consignments[0].lines[1].hs_code"),
            (LineToQuote { origin: "XX1".to_owned(), ..line.clone() }, "consignments[0].lines[1].origin"),
            (LineToQuote { dimensions: None, ..line.clone() }, "consignments[0].lines[1].dimensions"),
            (silk("THB", 100, 1), "consignments[0].lines[1].unit_price.currency"),
            (off(silk("MYR", 100, 2), "MYR", 201), "consignments[0].lines[1].discount"),
            (off(silk("MYR", 100, 2), "MYR", -1), "consignments[0].lines[1].discount"),
            (off(silk("MYR", 100, 2), "THB", 1), "consignments[0].lines[1].discount"),
        ] {
            let refused = quote(&depot, vec![consignment("TH", vec![line.clone(), bad])]).await.unwrap_err();
            assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec![field.to_owned()]));
        }
        let two = LineToQuote { origin: "XX1".to_owned(), unit_price: None, quantity: -1, ..line };
        let refused = quote(&depot, vec![consignment("TH", vec![two])]).await.unwrap_err();
        let named = ["quantity", "unit_price", "origin"].map(|field| format!("consignments[0].lines[0].{field}"));
        assert_eq!(fields(&refused), named);
        assert_eq!(fields(&quote(&depot, Vec::new()).await.unwrap_err()), ["consignments"]);
        depot.hub.stop().await;
    }

    async fn a_hub_with_real_money_takes_no_old_rate(database: Database) {
        let real = Sandbox { enabled: false, ..Sandbox::default() };
        let depot = Depot::with(&database, |setup| setup.sandbox(real)).await;
        let refused = quote(&depot, vec![consignment("TH", vec![silk("THB", 100, 1)])]).await.unwrap_err();
        assert_eq!(reason(&refused).as_deref(), Some("CUSTOMS_RATE_UNAVAILABLE"));
        depot.hub.stop().await;
    }

    async fn anyone_asks_what_carriage_costs(database: Database) {
        let depot = Depot::open(&database).await;
        let request = QuoteCarriageRequest {
            from_country: "TH".to_owned(),
            weight_grams: 900,
            dimensions: Some(Dimensions { length_mm: 300, width_mm: 200, height_mm: 100 }),
            postcode: String::new(),
        };
        let mut anyone = CarriageServiceClient::new(depot.hub.anyone());
        let options = anyone.quote_carriage(request.clone()).await.unwrap().into_inner().options;
        let prices: Vec<i64> = options.iter().map(|option| option.price.as_ref().unwrap().minor_units).collect();
        assert!(options.len() >= 3 && prices.is_sorted(), "{options:?}");
        // 6,000,000 mm3 by 6000 is 1,000 g: more than it weighs.
        assert_eq!((options[0].service.as_str(), options[0].chargeable_grams), ("selat-packet", 1_000));
        let wrong = QuoteCarriageRequest { weight_grams: 0, ..request };
        assert_eq!(fields(&anyone.quote_carriage(wrong).await.unwrap_err()), ["weight_grams"]);
        depot.hub.stop().await;
    }
}
