//! Sellers' files, good and bad, through a real hub on both engines: what comes of each.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proof::shop::{self, SellerEntry, Shop};
use proto::catalog::v1::{ListProductsRequest, ListStockRequest, Product, StockItem};
use rpc::Role;
use tempfile::TempDir;
use testkit::service::Setup;
use testkit::{Database, UnderTest, on_both};

use super::reading::Stock;
use super::report::Report;
use super::{ImportFormat, ReadFile, address, encoding, in_use, kept_currency, stream};

const TOKEN_TTL: Duration = Duration::from_secs(3_600);
const HEADING: &str = "sku,title_en,price,currency,hs_code,origin,weight_grams,size,stock\n";

/// A hub with a seller.
struct Town {
    hub: UnderTest,
    shop: Shop,
    folder: TempDir,
}

/// What came of a file.
#[derive(Debug)]
struct Came {
    report: Report,
    /// What was said of rows.
    said: Vec<String>,
    read_as: String,
}

impl Town {
    async fn open(database: &Database, code: &str) -> Self {
        let (file, text) = hub::builtin(code).unwrap();
        let profile = Arc::new(hub::Profile::parse(file, text).unwrap());
        let hub = Setup::new(catalog::SPEC, database, profile).start().await;
        let issuer = hub.hub.issuer().unwrap().clone();
        let tokens = move |role: Role, subject: &str| Ok(issuer.sign(role, subject, TOKEN_TTL)?);
        let proof = proof::Hub::new(
            &services::names(),
            hub.hub.public_channel(),
            hub.hub.internal_channel(),
            Arc::new(tokens),
        );
        let firm = SellerEntry { country: code.to_uppercase(), ..SellerEntry::thai("own-shop") };
        let shop = shop::open(&proof, &firm).await.unwrap();
        Self { hub, shop, folder: TempDir::new().unwrap() }
    }

    async fn case(&self, name: &str) -> Came {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/import/cases");
        self.read(&folder.join(name), &ImportFormat::default()).await.unwrap()
    }

    /// Imports this as a file.
    async fn file(&self, text: impl AsRef<[u8]>) -> Came {
        self.file_as(text, &ImportFormat::default()).await.unwrap()
    }

    async fn file_as(&self, text: impl AsRef<[u8]>, reading: &ImportFormat) -> Result<Came, String> {
        let path = self.folder.path().join("goods.csv");
        std::fs::write(&path, text).unwrap();
        self.read(&path, reading).await
    }

    async fn read(&self, path: &std::path::Path, reading: &ImportFormat) -> Result<Came, String> {
        let file = ReadFile::open(path, reading).map_err(|error| format!("{error:#}"))?;
        let (read_as, said) = (file.read_as.clone(), Arc::new(Mutex::new(Vec::new())));
        let (heard, seen) = (said.clone(), Arc::new(Mutex::new(0)));
        let counted = seen.clone();
        let (report, ended) = stream(file, &self.shop, move |problem| {
            heard.lock().unwrap().extend(problem);
            *counted.lock().unwrap() += 1;
        })
        .await;
        ended.unwrap();
        let sum = report.created + report.updated + report.unchanged + report.rejected + report.ignored;
        assert_eq!(
            (sum, *seen.lock().unwrap(), report.unanswered()),
            (report.rows, report.rows, 0),
            "{report:?}"
        );
        let mut said = said.lock().unwrap().clone();
        said.sort();
        Ok(Came { report, said, read_as })
    }

    async fn products(&self) -> Vec<Product> {
        let seller_id = self.shop.session.subject.clone();
        let request = ListProductsRequest { seller_id, page_size: 200, ..ListProductsRequest::default() };
        self.shop.session.products().list_products(request).await.unwrap().into_inner().products
    }

    /// The one product with this SKU.
    async fn product(&self, sku: &str) -> Product {
        let has = |product: &Product| product.variants.iter().any(|variant| variant.sku == sku);
        let mut found: Vec<Product> = self.products().await.into_iter().filter(has).collect();
        assert_eq!(found.len(), 1, "{sku}: {found:?}");
        found.remove(0)
    }

    async fn skus(&self) -> Vec<String> {
        let products = self.products().await;
        let mut skus: Vec<String> =
            products.into_iter().flat_map(|product| product.variants).map(|variant| variant.sku).collect();
        skus.sort();
        skus
    }

    async fn stock(&self, sku: &str) -> i64 {
        let request = ListStockRequest { page_size: 200, ..ListStockRequest::default() };
        let items = self.shop.session.stock().list_stock(request).await.unwrap().into_inner().stock_items;
        let item = |item: &StockItem| item.sku == sku;
        items.into_iter().find(item).unwrap().on_hand
    }

    async fn close(self) {
        self.hub.stop().await;
    }
}

impl Came {
    /// Created, updated, unchanged, rejected, ignored.
    fn counts(&self) -> [u64; 5] {
        let report = &self.report;
        [report.created, report.updated, report.unchanged, report.rejected, report.ignored]
    }

    #[track_caller]
    fn says(&self, words: &[&str]) {
        let found = self.said.iter().any(|said| words.iter().all(|word| said.contains(word)));
        assert!(found, "{words:?} in {:#?}", self.said);
    }
}

fn row(sku: &str, title: &str, price: &str) -> String {
    format!("{sku},{title},{price},MYR,691110,MY,200,90x90x90,3\n")
}

on_both! {
    async fn what_is_written_another_way_is_taken_as_it_is(database: Database) {
        let town = Town::open(&database, "my").await;
        let came = town.case("semicolons.csv").await;
        assert_eq!(came.counts(), [1, 0, 0, 0, 0], "{came:?}");
        assert!(came.read_as.contains("semicolons"), "{}", came.read_as);
        assert_eq!(town.case("tabs-capitals.tsv").await.counts(), [1, 0, 0, 0, 0]);
        let came = town.case("utf16-from-a-spreadsheet.csv").await;
        assert_eq!(came.counts(), [1, 0, 0, 0, 0], "{came:?}");
        assert!(came.read_as.contains("UTF-16 (little-endian)"), "{}", came.read_as);
        assert_eq!(town.product("A-2").await.translations[0].title, "Cane mat");
        assert_eq!(town.product("A-5").await.translations[0].title, "Kite");
        town.close().await;
    }

    async fn a_thai_file_in_windows_874_is_taken(database: Database) {
        let town = Town::open(&database, "th").await;
        let came = town.case("windows-874-thai.csv").await;
        assert_eq!(came.counts(), [1, 0, 0, 0, 0], "{came:?}");
        assert!(came.read_as.contains("windows-874"), "{}", came.read_as);
        assert_eq!(town.product("A-6").await.translations[0].title, "กระเป๋าสาน");
        town.close().await;
    }

    async fn bytes_that_are_utf_8_by_chance_are_not_guessed_at(database: Database) {
        let town = Town::open(&database, "th").await;
        let thai = ImportFormat { language: "th".to_owned(), ..ImportFormat::default() };
        let text = |title: &str| {
            let heading = HEADING.replace("title_en", "title_th,variant_name");
            format!("{heading}L-1,{title},200.00,THB,420211,TH,400,90x90x90,3\n")
        };
        let bytes = |text: &str| encoding_rs::WINDOWS_874.encode(text).0.into_owned();
        for chance in ["หนัง,", "หนัง,รถ", "Bag,หนัง"] {
            for heading in ["title_th", "title"] {
                let file = bytes(&text(chance).replace("title_th", heading));
                let error = town.file_as(file, &thai).await.unwrap_err();
                assert!(error.contains("--encoding utf-8 or --encoding windows-874"), "{error}");
            }
        }
        assert!(town.products().await.is_empty());
        // What is told is not doubted; nor is what a Thai letter, a mark or Latin letters around it prove.
        let told = |name: &str| ImportFormat { encoding: Some(encoding::named(name).unwrap()), ..ImportFormat::default() };
        let came = town.file_as(bytes(&text("หนัง,")), &told("windows-874")).await.unwrap();
        assert_eq!(came.counts(), [1, 0, 0, 0, 0], "{came:?}");
        assert_eq!(town.product("L-1").await.translations[0].title, "หนัง");
        let came = town.file_as(bytes("sku,title_th\nL-1,รถ\n"), &told("utf-8")).await.unwrap();
        assert_eq!(came.counts(), [0, 1, 0, 0, 0], "{came:?}");
        for proven in [text("หนัง,Ω"), format!("\u{feff}{}", text("Bag ö,")), text("Café,25°")] {
            let came = town.file_as(proven, &thai).await.unwrap();
            assert_eq!((came.report.rejected, came.report.unanswered()), (0, 0), "{came:?}");
        }
        town.close().await;
    }

    async fn a_bad_row_is_named_by_the_line_on_which_it_begins(database: Database) {
        let town = Town::open(&database, "my").await;
        let came = town.case("crlf-bad-row.csv").await;
        assert_eq!(came.counts(), [1, 0, 0, 1, 0], "{came:?}");
        came.says(&["line 3: price: ", "minus"]);
        // Behind texts of several lines, empty lines, and each way to end a line; by the hub as well.
        let text = format!(
            "{}A-1,\"Cup\r\nwith, a handle\",\"two\r\nlines\",5.00,MYR,691110,MY,200,90x90x90,3\r\n\r\n\
             A-2,Cup,,x,MYR,691110,MY,200,90x90x90,3\rA-3,Cup,,5.00,MYR,69,MY,200,90x90x90,3\n",
            HEADING.replace("title_en", "title_en,description_en")
        );
        let came = town.file(text).await;
        assert_eq!(came.counts(), [1, 0, 0, 2, 0], "{came:?}");
        came.says(&["line 6: price: "]);
        came.says(&["line 7: hs_code: "]);
        let words = town.product("A-1").await.translations.remove(0);
        assert_eq!((words.title.as_str(), words.description.as_str()), ("Cup with, a handle", "two\nlines"));
        town.close().await;
    }

    async fn an_open_quote_swallows_no_other_row(database: Database) {
        let town = Town::open(&database, "my").await;
        let came = town.case("open-quote.csv").await;
        assert_eq!(came.counts(), [7, 0, 0, 1, 0], "{came:?}");
        came.says(&["line 3: title_en: ", "quote"]);
        let rows: String = (0..2_000).map(|place| row(&format!("C-{place}"), "Cup", "5.00")).collect();
        let came = town.file(format!("{HEADING}C-X,\"open,5.00,MYR,691110,MY,200,90x90x90,3\n{rows}")).await;
        assert_eq!(came.counts(), [2_000, 0, 0, 1, 0]);
        came.says(&["line 2: title_en: ", "quote"]);
        town.close().await;
    }

    async fn rows_of_one_sku_that_differ_are_named_and_not_taken(database: Database) {
        let town = Town::open(&database, "my").await;
        let came = town.case("same-sku-twice.csv").await;
        assert_eq!(came.counts(), [0, 0, 0, 2, 0], "{came:?}");
        came.says(&["line 2: sku: ", "lines 2, 3"]);
        came.says(&["line 3: sku: ", "lines 2, 3"]);
        let (one, other) = (row("C-1", "Cup", "5.00"), row("C-2", "Cup", "5.00"));
        let came = town.file(format!("{HEADING}{one}{other}{one},,,,,,,,\n{}", row("C-2", "Mug", "5.00"))).await;
        assert_eq!(came.counts(), [1, 0, 0, 2, 2], "{came:?}");
        assert_eq!(town.skus().await, ["C-1"]);
        town.close().await;
    }

    async fn what_a_spreadsheet_has_shortened_is_refused(database: Database) {
        let town = Town::open(&database, "my").await;
        let came = town.case("spreadsheet-sku.csv").await;
        assert_eq!(came.counts(), [1, 0, 0, 1, 0], "{came:?}");
        came.says(&["line 2: sku: ", "8.85077E+12", "spreadsheet"]);
        let came = town.file(format!("{HEADING}{}{}", row("\"=\"\"0042\"\"\"", "Cup", "5.00"), row("C-2", "#REF!", "5.00"))).await;
        came.says(&["line 3: title_en: ", "spreadsheet"]);
        assert_eq!(town.skus().await, ["00123", "0042"]);
        town.close().await;
    }

    async fn a_file_with_prices_changes_prices(database: Database) {
        let town = Town::open(&database, "my").await;
        assert_eq!(town.case("before-price-only.csv").await.counts(), [1, 0, 0, 0, 0]);
        let before = town.product("C-1").await;
        assert_eq!(town.case("price-only.csv").await.counts(), [0, 1, 0, 0, 0]);
        let after = town.product("C-1").await;
        assert_eq!(after.variants[0].price.as_ref().unwrap().minor_units, 550);
        let mut expected = before.clone();
        expected.variants[0].price.clone_from(&after.variants[0].price);
        (expected.etag, expected.updated_at) = (after.etag.clone(), after.updated_at);
        assert_eq!(after, expected);
        assert_eq!(town.stock("C-1").await, 10);
        assert_eq!(town.case("price-only.csv").await.counts(), [0, 0, 1, 0, 0]);
        town.close().await;
    }

    async fn a_file_for_one_variant_changes_it_alone(database: Database) {
        let town = Town::open(&database, "my").await;
        assert_eq!(town.case("before-one-variant.csv").await.counts(), [2, 0, 0, 0, 0]);
        let before = town.product("V-RED").await;
        let names: Vec<&str> = before.variants.iter().map(|variant| variant.name.as_str()).collect();
        assert!(names.len() == 2 && names.contains(&"Red") && names.contains(&"Blue"), "{names:?}");
        let came = town.case("one-variant-of-two.csv").await;
        assert_eq!(came.counts(), [0, 1, 0, 0, 0], "{came:?}");
        let after = town.product("V-RED").await;
        let mut expected = before.clone();
        for variant in expected.variants.iter_mut().filter(|variant| variant.sku == "V-RED") {
            variant.price.as_mut().unwrap().minor_units = 8_800;
        }
        (expected.etag, expected.updated_at) = (after.etag.clone(), after.updated_at);
        assert_eq!(after, expected);
        // An empty cell says nothing either.
        let came = town.file("sku,title_ms,description_en,category,stock\nV-RED,,,,\n").await;
        assert_eq!(came.counts(), [0, 0, 1, 0, 0], "{came:?}");
        assert_eq!(came.report.stock_ignored, 0);
        town.close().await;
    }

    async fn stock_is_set_or_added_only_when_asked(database: Database) {
        let town = Town::open(&database, "my").await;
        let text = format!("{HEADING}{}", row("C-1", "Cup", "5.00"));
        town.file(&text).await;
        let more = text.replace(",3\n", ",9\n");
        let came = town.file(&more).await;
        assert_eq!((came.counts(), came.report.stock_ignored), ([0, 0, 1, 0, 0], 1));
        assert!(came.report.to_string().contains("--stock set"), "{}", came.report);
        assert_eq!(town.stock("C-1").await, 3);
        let reading = |stock| ImportFormat { stock: Some(stock), ..ImportFormat::default() };
        assert_eq!(town.file_as(&more, &reading(Stock::Set)).await.unwrap().counts(), [0, 1, 0, 0, 0]);
        assert_eq!(town.stock("C-1").await, 9);
        let add = text.replace(",3\n", ",-2\n");
        assert_eq!(town.file_as(&add, &reading(Stock::Add)).await.unwrap().counts(), [0, 1, 0, 0, 0]);
        assert_eq!(town.stock("C-1").await, 7);
        let again = town.file_as(&add, &reading(Stock::Add)).await.unwrap();
        assert_eq!((again.counts(), again.report.stock_ignored), ([0, 0, 1, 0, 0], 1));
        let below = town.file_as(text.replace(",3\n", ",-8\n"), &reading(Stock::Add)).await.unwrap();
        below.says(&["line 2: stock: "]);
        assert_eq!(town.stock("C-1").await, 7);
        town.close().await;
    }

    async fn errors_name_the_columns_of_the_file(database: Database) {
        let town = Town::open(&database, "my").await;
        let heading = "SKU,Title_EN,Price,Currency,HS_Code,Origin,Weight_Grams,Size,Stock,Colour\n";
        let rows = [
            format!("B-1,{},5.00,MYR,691110,MY,200,90x90x90,3,red", "x".repeat(201)),
            "B-2,Cup,-5.00,MYR,691110,MY,200,90x90x90,3,".to_owned(),
            "B-3,Cup,0,MYR,691110,MY,200,90x90x90,3,".to_owned(),
            "B-4,Cup,5.00,MYR,691110,MY,200,90x90,3,".to_owned(),
            "B-5,Cup,5.00,MYR,691110,MY,200,90x0x90,3,".to_owned(),
            "B-6,Cup,5.00,MYR,691110,MY,200,90x90x90,-3,".to_owned(),
            "B-7,Cup,5.00,XXQ,691110,MY,200,90x90x90,3,".to_owned(),
            "B-8,Cup,5.00,MYR,691110,MY,0,90x90x90,3,".to_owned(),
            "B-9,Cup,5.00,MYR,691110,ZZ,200,90x90x90,3,".to_owned(),
            "B-10,Cup,5.00,MYR,691110,MY,200,90x90x90".to_owned(),
            "B-11,Cup,5.00,MYR,691110,MY,200,90x90x90,3,,,extra".to_owned(),
            "B-12,C\0p,5.00,MYR,691110,MY,200,90x90x90,3,".to_owned(),
            ",Cup,5.00,MYR,691110,MY,200,90x90x90,3,".to_owned(),
            "B-14,,5.00,MYR,691110,MY,200,90x90x90,3,".to_owned(),
            "B-15,Cup,5.00,MYR,,MY,,90x90x90,3,".to_owned(),
            "B-16,Cup,5.00,MYR,691110,MY,200,90x90x90,3,,,".to_owned(),
        ];
        let came = town.file(format!("{heading}{}\n", rows.join("\n"))).await;
        assert_eq!(came.counts(), [1, 0, 0, 15, 0], "{came:#?}");
        let columns = [
            "Title_EN", "Price", "Price", "Size", "Size", "Stock", "Currency", "Weight_Grams", "Origin", "",
            "cell 12", "Title_EN", "SKU", "Title_EN", "HS_Code",
        ];
        for (line, column) in (2..).zip(columns) {
            let begins = if column.is_empty() { format!("line {line}: the row has") } else { format!("line {line}: {column}: ") };
            assert!(came.said.iter().any(|said| said.starts_with(&begins)), "{begins} in {:#?}", came.said);
        }
        came.says(&["line 16: ", "hs_code, weight_grams"]);
        assert!(came.read_as.contains("ignored, as these columns are unknown: Colour"), "{}", came.read_as);
        town.close().await;
    }

    async fn rows_of_a_group_say_the_same_of_their_product(database: Database) {
        let town = Town::open(&database, "my").await;
        let heading = HEADING.replace("title_en", "title_en,group,variant_name");
        let rows = [
            "G-1,Shirt,shirt,S,5.00,MYR,610910,MY,200,90x90x9,3",
            "G-2,,shirt,M,5.00,MYR,610910,MY,200,90x90x9,3",
            "G-3,Blouse,shirt,L,5.00,MYR,610910,MY,200,90x90x9,3",
        ];
        let came = town.file(format!("{heading}{}\n", rows.join("\n"))).await;
        assert_eq!(came.counts(), [2, 0, 0, 1, 0], "{came:?}");
        came.says(&["line 4: title_en: ", "line 2", "group"]);
        let names: Vec<String> = town.product("G-1").await.variants.into_iter().map(|variant| variant.name).collect();
        assert!(names.len() == 2 && names.contains(&"S".to_owned()) && names.contains(&"M".to_owned()), "{names:?}");
        town.close().await;
    }

    async fn numbers_and_unmarked_texts_are_taken_where_they_leave_no_doubt(database: Database) {
        let town = Town::open(&database, "my").await;
        let heading = HEADING.replace(',', ";").replace("title_en", "title");
        let rows = "N-1;Cawan;RM 1.290,00;MYR;691110;MY;1.200,0;90x90x90;3;\nN-2;Piring;9,90;myr;691110;my;200;90 × 90 × 90;3;\n";
        let came = town.file(format!("{}{rows}", heading.replace("stock\n", "stock;\n"))).await;
        assert_eq!(came.counts(), [2, 0, 0, 0, 0], "{came:?}");
        assert!(came.read_as.contains("decimal commas"), "{}", came.read_as);
        let cup = town.product("N-1").await;
        assert_eq!((cup.translations[0].language.as_str(), cup.variants[0].weight_grams), ("ms", 1_200));
        assert_eq!(cup.variants[0].price.as_ref().unwrap().minor_units, 129_000);
        let reading = ImportFormat { language: "en".to_owned(), ..ImportFormat::default() };
        let came = town.file_as("sku;title;description\nN-1;Cup;Thin\n", &reading).await.unwrap();
        assert_eq!(came.counts(), [0, 1, 0, 0, 0], "{came:?}");
        assert_eq!(town.product("N-1").await.translations.len(), 2);
        let came = town.file("sku;price;currency\nN-1;1,250;MYR\n").await;
        came.says(&["line 2: price: ", "1.250 or 1250"]);
        town.close().await;
    }

    async fn files_that_cannot_be_right_are_refused_as_a_whole(database: Database) {
        let town = Town::open(&database, "my").await;
        for (text, said) in [
            ("", "empty"),
            (HEADING, "a header row and no other rows"),
            ("sku,price,currency,Price\nA,1,MYR,2\n", "appears twice"),
            ("name,cost\nA,1\n", "no known column"),
            ("PK\u{3}\u{4}", "spreadsheet"),
        ] {
            let error = town.file_as(text, &ImportFormat::default()).await.unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        // Where few letters are of no encoding of their language.
        let mac = format!("{}A,", HEADING.replace("title_en", "title_th")).into_bytes();
        let mac = [&mac[..], b"\x8e\x8f,5.00,MYR,691110,MY,200,90x90x90,3\n"].concat();
        let error = town.file_as(mac, &ImportFormat::default()).await.unwrap_err();
        assert!(error.contains("--encoding"), "{error}");
        // Where one row is of another encoding, it alone is refused.
        let mut mixed = format!("{HEADING}{}{}", row("M-1", "Café", "5.00"), row("M-2", "Thé", "5.00")).into_bytes();
        mixed.extend_from_slice(b"M-3,Caf\xe9,5.00,MYR,691110,MY,200,90x90x90,3\n");
        let came = town.file(mixed).await;
        assert_eq!(came.counts(), [2, 0, 0, 1, 0], "{came:?}");
        came.says(&["line 4: title_en: ", "encoding"]);
        town.close().await;
    }

    async fn rows_that_add_are_of_one_delivery(database: Database) {
        let town = Town::open(&database, "my").await;
        town.file(format!("{HEADING}{}{}", row("C-1", "Cup", "5.00"), row("C-2", "Mug", "5.00"))).await;
        let add = |delivery: Option<&str>| ImportFormat {
            stock: Some(Stock::Add),
            delivery: delivery.map(str::to_owned),
            ..ImportFormat::default()
        };
        let note = "sku,stock\nC-1,5\nC-2,";
        let came = town.file_as(format!("{note}five\n"), &add(Some("note 7"))).await.unwrap();
        assert_eq!(came.counts(), [0, 1, 0, 1, 0], "{came:?}");
        assert!(came.read_as.contains("stock: came as of 20") && came.read_as.contains("--as-of"), "{}", came.read_as);
        // The mended file adds what was missing, and nothing twice.
        let came = town.file_as(format!("{note}5\n"), &add(Some("note 7"))).await.unwrap();
        assert_eq!(came.counts(), [0, 1, 1, 0, 0], "{came:?}");
        assert_eq!((town.stock("C-1").await, town.stock("C-2").await), (8, 8));
        let came = town.file_as("sku,stock\nC-1,6\n", &add(Some("note 7"))).await.unwrap();
        came.says(&["line 2: stock: ", "5 were already added from `note 7`"]);
        assert!(add(None).what_to_do().contains("only these"));
        assert!(!add(Some("note 7")).what_to_do().contains("alone"));
        // Two rows may be one delivery or two.
        let came = town.file_as("sku,stock\nC-1,1\nC-1,1\nC-2,\nC-2,\n", &add(None)).await.unwrap();
        assert_eq!(came.counts(), [0, 0, 1, 2, 1], "{came:?}");
        came.says(&["line 2: sku: ", "lines 2, 3", "each would add"]);
        let set = ImportFormat { stock: Some(Stock::Set), ..add(Some("note 7")) };
        assert!(town.file_as(note, &set).await.unwrap_err().contains("--delivery"));
        town.close().await;
    }

    async fn a_time_of_the_stock_is_told_and_must_have_been(database: Database) {
        let town = Town::open(&database, "my").await;
        let path = town.folder.path().join("later.csv");
        std::fs::write(&path, format!("{HEADING}{}", row("C-1", "Cup", "5.00"))).unwrap();
        let set = ImportFormat { stock: Some(Stock::Set), ..ImportFormat::default() };
        let file = ReadFile::open(&path, &set).unwrap();
        assert!(file.read_as.contains("when the file was last written; set another time with --as-of"), "{}", file.read_as);
        let later = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        let file = ReadFile::open(&path, &set).unwrap();
        let (_, ended) = stream(file, &town.shop, |_| {}).await;
        let error = format!("{:#}", ended.unwrap_err());
        assert!(error.contains("--as-of") && error.contains("is in the future"), "{error}");
        town.close().await;
    }

    async fn what_a_file_says_harms_no_terminal(database: Database) {
        let town = Town::open(&database, "my").await;
        let long = "y".repeat(100_000);
        let text = format!(
            "sku,title_en,\u{202e}evil\u{1b}[2J,{long},currency\nC-1,\u{202e}\u{1b}[2J,,,\n,x,,,MYR\n"
        );
        let came = town.file(text).await;
        assert_eq!(came.counts()[3], 2, "{came:?}");
        let all = format!("{}{}", came.read_as, came.said.join(""));
        assert!(all.len() < 2_000 && !all.contains(['\u{202e}', '\u{1b}']), "{all}");
        assert!(all.contains("no column price: currency"), "{all}");
        let many: String = (0..150).map(|place| format!(",x{place}")).collect();
        let came = town.file(format!("sku{many}\nC-1{}\n", ",".repeat(150))).await;
        assert!(came.read_as.contains("x19 and 130 more"), "{}", came.read_as);
        town.close().await;
    }

    async fn certificates_are_read_as_a_whole(database: Database) {
        let town = Town::open(&database, "my").await;
        let columns = ",preference,certificate_number,certificate_issued_on,certificate_expires_on\n";
        let heading = HEADING.replace('\n', columns);
        let certificates = [
            "D-1,2026-01-01,2027-01-01",
            "D-1,01/01/2026,2027-01-01",
            "D-1,2026-01-01,+262027-01-01",
            "D-1,2027-01-01,2026-01-01",
            ",2026-01-01,2027-01-01",
        ];
        let rows = (1..).zip(certificates).map(|(place, certificate)| {
            let row = row(&format!("C-{place}"), "Cup", "5.00");
            format!("{},ATIGA,{certificate}\n", row.trim_end())
        });
        let came = town.file(format!("{heading}{}", rows.collect::<String>())).await;
        assert_eq!(came.counts(), [1, 0, 0, 4, 0], "{came:?}");
        came.says(&["line 3: certificate_issued_on: `01/01/2026`"]);
        came.says(&["line 4: certificate_expires_on: ", "such as"]);
        came.says(&["line 5: certificate_expires_on: ", "2026-01-01 is before 2027-01-01"]);
        came.says(&["line 6: certificate_number: is empty"]);
        let came = town.file("sku,certificate_expires_on\nC-1,2028-01-01\n").await;
        came.says(&["line 2: certificate_number: is empty", "its last day"]);
        town.close().await;
    }

    async fn lines_break_only_within_texts(database: Database) {
        let town = Town::open(&database, "my").await;
        let heading = HEADING.replace("sku,", "sku,variant_name,notes,");
        let rows = "C-1,\"Red\nL\",\"one\ntwo, three\",Cup,5.00,MYR,691110,MY,200,90x90x90,3\n\
                    C-2,\"Red,\"open,Cup,5.00,MYR,691110,MY,200,90x90x90,3\nC-3,,,Cup,5.00,MYR,691110,MY,200,90x90x90,3\n";
        let came = town.file(format!("{heading}{rows}")).await;
        assert_eq!(came.counts(), [2, 0, 0, 1, 0], "{came:?}");
        assert_eq!(town.product("C-1").await.variants[0].name, "Red L");
        // A column without a name is none of this file.
        let came = town.file("sku,title_en,\nC-1,Mug,x\n").await;
        came.says(&["line 2: cell 3: ", "its column has no name"]);
        town.close().await;
    }

    async fn what_was_shortened_is_said_also_where_it_stands_twice(database: Database) {
        let town = Town::open(&database, "my").await;
        let rows = [row("8.85077E+12", "Cup", "5.00"), row("8.85077E+12", "Mug", "5.00"), row("C-1", "Cup", "5.00").replace("691110", "9011100")];
        let came = town.file(format!("{HEADING}{}", rows.concat())).await;
        assert_eq!(came.counts(), [0, 0, 0, 3, 0], "{came:?}");
        came.says(&["line 2: sku: ", "spreadsheet"]);
        came.says(&["line 3: sku: ", "spreadsheet"]);
        came.says(&["line 4: hs_code: ", "leading zero"]);
        let came = town.file("sku,price,currency,stock_units\nC-1,5,MYR,1.000\n").await;
        came.says(&["line 2: stock_units: ", "1 or 1000"]);
        // A decimal point in prices says nothing of whole numbers.
        let stock = row("C-2", "Cup", "5.00").replace(",3\n", ",1.000\n");
        let weight = row("C-3", "Cup", "5.00").replace(",200,", ",1.500,");
        let came = town.file(format!("{HEADING}{stock}{weight}")).await;
        came.says(&["line 2: stock: ", "1 or 1000"]);
        came.says(&["line 3: weight_grams: ", "1.5 or 1500"]);
        town.close().await;
    }

    async fn a_seller_that_is_there_keeps_its_currency(database: Database) {
        let town = Town::open(&database, "my").await;
        assert_eq!(kept_currency(&town.shop, "THB").await.unwrap(), None);
        let said = kept_currency(&town.shop, "USD").await.unwrap().unwrap();
        assert!(said.contains("--currency USD: ignored") && said.contains("THB"), "{said}");
        town.close().await;
    }
}

#[test]
fn a_hub_that_runs_is_imported_into_by_its_address() {
    for server in ["127.0.0.1:50051", "http://127.0.0.1:50051", "http://127.0.0.1:50051/"] {
        assert_eq!(address(server).unwrap(), "127.0.0.1:50051");
    }
    assert!(address("https://hub.example").unwrap_err().to_string().contains("--server"));
    let busy =
        anyhow::Error::new(runtime::Error::InUse { folder: "data/my".into() }).context("starting the hub");
    let told = in_use(busy, "own-shop").to_string();
    assert!(
        told.contains("--server") && told.contains("--subject seller_") && !told.contains("another folder"),
        "{told}"
    );
    assert_eq!(in_use(anyhow::anyhow!("no"), "own-shop").to_string(), "no");
}
