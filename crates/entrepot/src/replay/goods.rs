//! What a description says of the goods: an HS code, a category, and weight and size of a parcel like it.
//!
//! The rule: the first entry of [`KINDS`] one of whose words stands in the description. Entries are ordered by how
//! sure their words are: what a thing *is* ("umbrella", "candle") before what it is made of ("ceramic", "metal"),
//! and material before theme. What no entry knows is an ornamental article of plastics (3926.40), as most of this
//! wholesaler's unnamed giftware is; the summary counts how often that was so. The codes are six-digit ones of the
//! Harmonized System 2022; a customs broker would look at the goods themselves.
//!
//! Weight and size are a real parcel's of the kind's category: giftware is small, so the lighter half of the
//! category is drawn from, by the description's hash, and the same description always weighs the same.

use std::collections::HashMap;
use std::io::BufRead;

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::table::Record;

/// A kind of goods.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// Words that tell it, upper case; a word with a space is looked for as it stands.
    words: &'static [&'static str],
    /// Harmonized System 2022, six digits.
    pub(crate) hs_code: &'static str,
    /// Category's slug at the hub.
    pub(crate) category: &'static str,
    /// The category whose parcels it is like, as the file of parcels names it.
    parcel_category: &'static str,
}

const fn kind(
    words: &'static [&'static str],
    hs_code: &'static str,
    category: &'static str,
    parcel_category: &'static str,
) -> Kind {
    Kind { words, hs_code, category, parcel_category }
}

const KINDS: &[Kind] = &[
    kind(&["UMBRELLA", "PARASOL"], "660199", "umbrellas", "fashion_bolsas_e_acessorios"),
    kind(&["CLOCK"], "910511", "clocks", "relogios_presentes"),
    kind(&["WATCH"], "910211", "watches", "relogios_presentes"),
    kind(
        &["NECKLACE", "BRACELET", "EARRING", "EARRINGS", "RING", "BROOCH", "JEWELLERY"],
        "711719",
        "jewellery",
        "fashion_bolsas_e_acessorios",
    ),
    kind(
        &["T-LIGHT", "T-LIGHTS", "CANDLEHOLDER", "LANTERN", "CANDLESTICK"],
        "940550",
        "lamps",
        "moveis_decoracao",
    ),
    kind(&["CANDLE", "CANDLES"], "340600", "candles", "casa_conforto"),
    kind(&["INCENSE"], "330741", "incense", "casa_conforto"),
    kind(&["SOAP"], "340111", "soap", "beleza_saude"),
    kind(&["PERFUME", "LIP GLOSS", "COSMETIC", "BATH SALTS"], "330499", "cosmetics", "beleza_saude"),
    kind(
        &["LIGHTS", "LAMP", "NIGHT LIGHT", "CHANDELIER", "BULB", "LAMPSHADE"],
        "940529",
        "lamps",
        "casa_conforto",
    ),
    kind(&["HOT WATER BOTTLE"], "401490", "household", "utilidades_domesticas"),
    kind(&["PLASTERS"], "300510", "first-aid", "beleza_saude"),
    kind(
        &["CHRISTMAS", "BAUBLE", "ADVENT", "SANTA", "REINDEER", "XMAS"],
        "950510",
        "christmas",
        "artigos_de_natal",
    ),
    kind(
        &["BUNTING", "GARLAND", "PARTY", "BALLOON", "BALLOONS", "CONFETTI", "EASTER"],
        "950590",
        "party",
        "artigos_de_festas",
    ),
    kind(&["CARD", "CARDS", "POSTCARD"], "490900", "cards", "papelaria"),
    kind(&["CALENDAR"], "491000", "calendars", "papelaria"),
    kind(&["BOOK", "COOKBOOK"], "490199", "books", "livros_interesse_geral"),
    kind(
        &["NOTEBOOK", "JOTTER", "JOURNAL", "DIARY", "NOTEPAD", "ADDRESS BOOK"],
        "482010",
        "stationery",
        "papelaria",
    ),
    kind(&["PENCIL", "PENCILS", "CRAYONS", "CHALK", "CHALKS"], "960910", "stationery", "papelaria"),
    kind(&["PEN", "PENS"], "960810", "stationery", "papelaria"),
    kind(&["STICKER", "STICKERS", "POSTER", "PRINT", "TATTOOS"], "491191", "prints", "papelaria"),
    kind(&["NAPKIN", "NAPKINS", "TISSUE", "TISSUES"], "481830", "paper-tableware", "artigos_de_festas"),
    kind(
        &["DOILY", "DOILIES", "CAKE CASES", "PAPER PLATE", "PAPER CUP", "PAPER CUPS", "PAPER PLATES"],
        "482369",
        "paper-tableware",
        "artigos_de_festas",
    ),
    kind(
        &["WRAP", "GIFT TAPE", "TAPE", "ENVELOPE", "PAPER", "CHALKBOARD", "MEMO"],
        "482390",
        "paper",
        "papelaria",
    ),
    kind(&["RIBBON", "RIBBONS"], "580632", "ribbons", "papelaria"),
    kind(
        &["BAG", "BAGS", "SHOPPER", "PURSE", "WALLET", "HANDBAG", "RUCKSACK", "BACKPACK", "TOTE"],
        "420292",
        "bags",
        "fashion_bolsas_e_acessorios",
    ),
    kind(&["SCARF", "SHAWL", "SARONG"], "621490", "clothing", "fashion_roupa_feminina"),
    kind(
        &["GLOVES", "MITTENS", "SOCKS", "SLIPPERS", "SLIPPER", "HAT", "PONCHO", "RAINCOAT", "RAIN HAT"],
        "621710",
        "clothing",
        "fashion_roupa_feminina",
    ),
    kind(
        &["APRON", "TEA TOWEL", "TOWEL", "OVEN GLOVE", "TABLECLOTH", "FLANNEL"],
        "630260",
        "linen",
        "cama_mesa_banho",
    ),
    kind(&["CUSHION", "CUSHIONS", "PILLOW", "QUILT", "BEANBAG"], "940490", "bedding", "cama_mesa_banho"),
    kind(&["DOORMAT", "RUG", "MAT"], "570500", "mats", "moveis_decoracao"),
    kind(&["CURTAIN"], "630399", "linen", "cama_mesa_banho"),
    kind(
        &["SEWING", "FELTCRAFT", "FELT", "KNITTING", "CROCHET"],
        "630800",
        "needlecraft",
        "artes_e_artesanato",
    ),
    kind(
        &["PUZZLE", "JIGSAW", "GAME", "DOMINOES", "SNAP", "BINGO", "SKITTLES", "CHESS", "LUDO"],
        "950490",
        "games",
        "brinquedos",
    ),
    kind(
        &[
            "DOLL",
            "TOY",
            "TOYS",
            "SOFT TOY",
            "GLIDERS",
            "RABBIT",
            "BUILDING BLOCKS",
            "PLAYHOUSE",
            "SPINNING",
            "YOYO",
            "MARBLES",
            "TEDDY",
            "PUPPET",
            "BABUSHKA",
            "KITE",
            "FRISBEE",
            "SKIPPING ROPE",
            "CIRCUS",
        ],
        "950300",
        "toys",
        "brinquedos",
    ),
    kind(&["RADIO", "SPEAKER"], "852719", "audio", "audio"),
    kind(
        &["CUTLERY", "SPOON", "SPOONS", "FORK", "KNIFE", "CAKE SLICE"],
        "821599",
        "cutlery",
        "utilidades_domesticas",
    ),
    kind(&["SCISSORS"], "821300", "tools", "ferramentas_jardim"),
    kind(
        &["SCREWDRIVER", "TAPE MEASURE", "HAMMER", "MULTI-TOOL"],
        "820559",
        "tools",
        "construcao_ferramentas_ferramentas",
    ),
    kind(
        &["TROWEL", "GARDENERS", "GARDEN", "WATERING CAN", "SEEDS", "PLANTER", "HERB MARKER"],
        "820190",
        "garden",
        "ferramentas_jardim",
    ),
    kind(&["MIRROR"], "700992", "mirrors", "moveis_decoracao"),
    kind(&["PICTURE FRAME", "PHOTO FRAME", "FRAME", "PHOTO"], "441490", "frames", "moveis_decoracao"),
    kind(&["MAGNET", "MAGNETS"], "850519", "magnets", "papelaria"),
    kind(&["THERMOMETER"], "902519", "instruments", "utilidades_domesticas"),
    kind(&["TRAY"], "441919", "trays", "utilidades_domesticas"),
    kind(
        &[
            "MUG",
            "MUGS",
            "TEACUP",
            "SAUCER",
            "TEAPOT",
            "PLATE",
            "PLATES",
            "CUP",
            "CUPS",
            "BOWL",
            "BOWLS",
            "JUG",
            "EGG CUP",
            "CAKESTAND",
            "CAKE STAND",
            "TEA SET",
            "COFFEE",
            "MILK",
            "DISH",
            "RAMEKIN",
        ],
        "691110",
        "tableware",
        "utilidades_domesticas",
    ),
    kind(
        &["JAR", "JARS", "BOTTLE", "BOTTLES", "TUMBLER", "DECANTER", "WINE GLASS", "GLASS", "GLASSES"],
        "701349",
        "glassware",
        "utilidades_domesticas",
    ),
    kind(&["SIGN", "PLAQUE", "NUMBER TILE"], "831000", "signs", "moveis_decoracao"),
    kind(
        &[
            "TIN",
            "TINS",
            "BUCKET",
            "LUNCH BOX",
            "MONEY BOX",
            "ENAMEL",
            "BAKING",
            "MOULD",
            "MOULDS",
            "CUTTER",
            "CUTTERS",
            "COLANDER",
            "PAN",
            "SCALES",
        ],
        "732399",
        "kitchen",
        "utilidades_domesticas",
    ),
    kind(
        &["HOOK", "HOOKS", "KNOB", "KNOBS", "DOOR", "HANGER", "RACK", "DRAWER KNOB", "KEY FOB", "DOORSTOP"],
        "830250",
        "fittings",
        "moveis_decoracao",
    ),
    kind(&["WICKER", "BASKET", "RATTAN"], "460219", "baskets", "moveis_decoracao"),
    kind(
        &["CABINET", "DRAWER", "STOOL", "CHAIR", "TABLE", "SHELF", "CHEST", "BENCH"],
        "940360",
        "furniture",
        "moveis_decoracao",
    ),
    kind(
        &["FLOWER", "FLOWERS", "ROSE", "ROSES", "WREATH", "BLOSSOM"],
        "670290",
        "artificial-flowers",
        "moveis_decoracao",
    ),
    kind(&["CERAMIC", "PORCELAIN", "TRINKET", "CHINA"], "691310", "ornaments", "moveis_decoracao"),
    kind(&["WOOD", "WOODEN", "BAMBOO", "PEGS"], "442019", "woodware", "moveis_decoracao"),
    kind(&["SLATE", "STONE", "MARBLE"], "680300", "stoneware", "moveis_decoracao"),
    kind(
        &["METAL", "ZINC", "IRON", "TIER", "CHROME", "WIRE", "BRASS", "SILVER"],
        "830629",
        "ornaments",
        "moveis_decoracao",
    ),
    kind(&["COTTON", "LINEN", "FABRIC", "LACE"], "630790", "textiles", "cama_mesa_banho"),
    kind(&["BOX", "BOXES", "CASE"], "481920", "boxes", "papelaria"),
];

/// What no entry knows.
const UNNAMED: Kind = kind(&[], "392640", "giftware", "cool_stuff");

/// The kind of a description, and whether it was told by a word of it.
pub(crate) fn kind_of(description: &str) -> (Kind, bool) {
    let upper = description.to_uppercase();
    let words: Vec<&str> = upper
        .split(|letter: char| !(letter.is_alphanumeric() || letter == '-'))
        .filter(|word| !word.is_empty())
        .collect();
    let phrase = format!(" {} ", words.join(" "));
    let tells = |kind: &&Kind| kind.words.iter().any(|word| phrase.contains(&format!(" {word} ")));
    KINDS.iter().find(tells).map_or((UNNAMED, false), |kind| (*kind, true))
}

/// Weight and size of a packed unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Parcel {
    pub(crate) weight_grams: i64,
    pub(crate) length_mm: i64,
    pub(crate) width_mm: i64,
    pub(crate) height_mm: i64,
}

/// Real parcels by category, lightest first.
#[derive(Debug, Default)]
pub(crate) struct Parcels {
    by_category: HashMap<String, Vec<Parcel>>,
    /// Rows without a category, weight or size.
    pub(crate) rows_skipped: u64,
}

/// Heavier or larger ones are no parcels of a post.
const WEIGHT_GRAMS_MAX: i64 = 30_000;
const SIDE_MM_MAX: i64 = 1_500;
/// The most parcels of a file, all of which are kept.
const PARCELS_MAX: u64 = 1_000_000;

impl Parcels {
    /// Reads `product_category_name`, `product_weight_g` and the three sides in centimetres; rows that lack one are
    /// counted and left out.
    pub(crate) fn read(input: impl BufRead) -> Result<Self> {
        let (headings, mut records) = super::rows::table(input, &[], &[])?;
        let place = |column: &str| {
            headings
                .iter()
                .position(|heading| heading == column)
                .with_context(|| format!("the file of parcels has no column `{column}`"))
        };
        let category = place("product_category_name")?;
        let columns = [
            place("product_weight_g")?,
            place("product_length_cm")?,
            place("product_width_cm")?,
            place("product_height_cm")?,
        ];
        let mut parcels = Self::default();
        let mut count = 0;
        while let Some(record) =
            records.next_record().map_err(|error| super::rows::stopped(&error, records.line()))?
        {
            count += 1;
            ensure!(count <= PARCELS_MAX, "the file of parcels has more than {PARCELS_MAX} rows");
            let parcel = record.ok().and_then(|Record { cells, .. }| {
                let category = cells.get(category).filter(|category| !category.is_empty())?.to_owned();
                Some((category, parcel(&cells, columns)?))
            });
            match parcel {
                Some((category, parcel)) => parcels.by_category.entry(category).or_default().push(parcel),
                None => parcels.rows_skipped += 1,
            }
        }
        ensure!(!parcels.by_category.is_empty(), "the file of parcels has no usable row");
        for category in parcels.by_category.values_mut() {
            category.sort_unstable();
        }
        Ok(parcels)
    }

    /// The parcel that a unit of this description is like.
    pub(crate) fn like(&self, description: &str, kind: &Kind) -> Parcel {
        let light = |category: &str| {
            let parcels = self.by_category.get(category)?;
            let half = parcels.len().div_ceil(2);
            let place = place(description, half)?;
            parcels.get(place).copied()
        };
        let any = || self.by_category.keys().min().and_then(|category| light(category));
        light(kind.parcel_category).or_else(any).unwrap_or(Parcel {
            weight_grams: 300,
            length_mm: 200,
            width_mm: 150,
            height_mm: 100,
        })
    }
}

fn parcel(cells: &[String], columns: [usize; 4]) -> Option<Parcel> {
    let number = |column: usize| cells.get(column)?.trim().parse::<i64>().ok().filter(|number| *number > 0);
    let [weight, length, width, height] = columns;
    let parcel = Parcel {
        weight_grams: number(weight)?,
        length_mm: number(length)?.checked_mul(10)?,
        width_mm: number(width)?.checked_mul(10)?,
        height_mm: number(height)?.checked_mul(10)?,
    };
    let fits = parcel.weight_grams <= WEIGHT_GRAMS_MAX
        && [parcel.length_mm, parcel.width_mm, parcel.height_mm].iter().all(|side| *side <= SIDE_MM_MAX);
    fits.then_some(parcel)
}

fn place(description: &str, of: usize) -> Option<usize> {
    let digest = Sha256::digest(description.as_bytes());
    let first: [u8; 8] = digest.get(..8)?.try_into().ok()?;
    let of = u64::try_from(of).ok()?;
    usize::try_from(u64::from_be_bytes(first).checked_rem(of)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thing_is_comes_before_what_it_is_made_of() {
        assert_eq!(kind_of("WHITE HANGING HEART T-LIGHT HOLDER").0.hs_code, "940550");
        assert_eq!(kind_of("ALARM CLOCK BAKELIKE RED").0.hs_code, "910511");
        assert_eq!(kind_of("JUMBO BAG RED RETROSPOT").0.hs_code, "420292");
        assert_eq!(kind_of("ROSES REGENCY TEACUP AND SAUCER").0.hs_code, "691110");
        assert_eq!(kind_of("PACK OF 72 RETROSPOT CAKE CASES").0.hs_code, "482369");
        assert_eq!(kind_of("gin + tonic diet metal sign").0.hs_code, "831000");
        let (kind, known) = kind_of("ASSORTED COLOUR BIRD ORNAMENT");
        assert_eq!((kind.hs_code, known), ("392640", false));
    }

    #[test]
    fn every_code_has_six_digits() {
        for kind in KINDS.iter().chain([&UNNAMED]) {
            assert!(
                kind.hs_code.len() == 6 && kind.hs_code.bytes().all(|byte| byte.is_ascii_digit()),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn parcels_survive_what_is_wrong_in_them() {
        let text = "product_category_name,product_weight_g,product_length_cm,product_width_cm,product_height_cm\n\
            cool_stuff,100,10,10,10\n,100,10,10,10\ncool_stuff,,10,10,10\ncool_stuff,900,20,10,5\ncool_stuff,x,1,1,1\n";
        let parcels = Parcels::read(text.as_bytes()).unwrap();
        assert_eq!(parcels.rows_skipped, 3);
        let like = parcels.like("THING", &UNNAMED);
        assert_eq!(like.weight_grams, 100);
        assert_eq!(parcels.like("THING", &UNNAMED), like);
    }
}
