//! Which encoding a seller's file is in.

use std::fmt;
use std::io::{BufReader, Read, Seek as _};

use anyhow::{Result, bail};
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_874, WINDOWS_1252};

use super::heading::Heading;
use crate::table::Lines;

/// Bytes of the beginning by which UTF-16 and files of programs are told.
const BEGINNING: u64 = 64 * 1024;
/// What few letters are that spell nothing, such as signs of currencies and degrees: as under this domain.
const WESTERN: &[u8] = b"de";
/// What files of programs begin with.
const NO_TEXTS: [(&[u8], &str); 6] = [
    (b"PK\x03\x04", "a spreadsheet or an archive (zip)"),
    (b"\xd0\xcf\x11\xe0", "an old-format spreadsheet (.xls)"),
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"%PDF", "a PDF"),
    (b"\xff\xfe\0\0", "in UTF-32"),
    (b"\0\0\xfe\xff", "in UTF-32"),
];

/// An encoding, and how it was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recognised {
    pub(crate) encoding: &'static Encoding,
    by: &'static str,
}

/// How UTF-8 is recognised that no mark tells.
const BY_BYTES: &str = "by its bytes";
/// How an encoding is recognised that is only likely.
const BY_LETTERS: &str = "by its letters";

impl Recognised {
    /// Whether it is only likely.
    pub(super) fn is_likely(self) -> bool {
        self.by == BY_LETTERS
    }

    /// Whether it is UTF-8 because the bytes are valid in it.
    pub(super) fn is_by_bytes(self) -> bool {
        self.by == BY_BYTES
    }
}

impl fmt::Display for Recognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.encoding {
            encoding if encoding == UTF_16LE => "UTF-16 (little-endian)",
            encoding if encoding == UTF_16BE => "UTF-16 (big-endian)",
            encoding if encoding == WINDOWS_874 => "windows-874 (Thai)",
            encoding if encoding == WINDOWS_1252 => "windows-1252 (Western European)",
            encoding => encoding.name(),
        };
        write!(f, "{name}, {}", self.by)
    }
}

/// An encoding by a name for it.
pub(crate) fn named(name: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(name.trim().as_bytes()).ok_or_else(|| {
        format!("`{name}` is not an encoding such as utf-8, utf-16le, windows-874 or windows-1252")
    })
}

/// The encoding of a file, from its beginning on; `told` is taken as it is. A mark at the beginning decides; then
/// whether it is UTF-16 by its zero bytes, or UTF-8 by being valid; then what language its letters would be, of those
/// that its columns are in, where `language` is that of unmarked ones.
pub(crate) fn recognise(
    mut file: &std::fs::File,
    told: Option<&'static Encoding>,
    language: &str,
) -> Result<Recognised> {
    file.rewind()?;
    let mut beginning = Vec::new();
    file.take(BEGINNING).read_to_end(&mut beginning)?;
    if beginning.trim_ascii().is_empty() {
        bail!("the file is empty");
    }
    if let Some((_, what)) = NO_TEXTS.iter().find(|(magic, _)| beginning.starts_with(magic)) {
        bail!("the file is {what}: save it as CSV in UTF-8");
    }
    if let Some((encoding, _)) = Encoding::for_bom(&beginning) {
        return Ok(Recognised { encoding, by: "by its byte-order mark" });
    }
    if let Some(encoding) = told {
        return Ok(Recognised { encoding, by: "as given" });
    }
    if let Some(encoding) = utf_16(&beginning) {
        return Ok(Recognised { encoding, by: "by its zero bytes" });
    }
    file.rewind()?;
    let domain = domain(file, language);
    file.rewind()?;
    by_letters(file, domain)
}

/// A domain under which texts are in the first language of the columns that has letters of its own.
fn domain(file: &std::fs::File, language: &str) -> &'static [u8] {
    let heading = Heading::read(&mut Lines::new(BufReader::new(file)));
    heading.ok().and_then(|heading| heading.script(language)).map_or(WESTERN, |script| script.domain)
}

/// Letters of ASCII, which every table has, are a zero and a byte in UTF-16.
fn utf_16(beginning: &[u8]) -> Option<&'static Encoding> {
    let zeros = |rest: usize| beginning.iter().skip(rest).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), beginning.len() / 2);
    let most = |many: usize, few: usize| many > pairs / 10 && few < many / 10;
    match () {
        () if most(odd, even) => Some(UTF_16LE),
        () if most(even, odd) => Some(UTF_16BE),
        () => None,
    }
}

/// UTF-8 when all lines are valid, or most of those that have other letters than ASCII: the others are refused one by
/// one. What is not UTF-8 is what its letters most likely spell.
fn by_letters(file: &std::fs::File, domain: &'static [u8]) -> Result<Recognised> {
    let mut lines = Lines::new(BufReader::new(file));
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let (mut valid, mut invalid) = (0_u64, 0_u64);
    while let Some(line) = lines.next_line()? {
        if line.bytes.is_ascii() {
            continue;
        }
        // A line that was cut may end within a letter.
        let is_valid = line.cut || std::str::from_utf8(&line.bytes).is_ok();
        valid += u64::from(is_valid);
        invalid += u64::from(!is_valid);
        detector.feed(&line.bytes, false);
        detector.feed(b"\n", false);
    }
    if invalid == 0 || valid > invalid {
        return Ok(Recognised { encoding: UTF_8, by: BY_BYTES });
    }
    detector.feed(b"", true);
    let encoding = detector.guess(Some(domain), Utf8Detection::Deny);
    Ok(Recognised { encoding, by: BY_LETTERS })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn of(bytes: &[u8]) -> Result<Recognised> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        recognise(&file, None, "")
    }

    fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    const HEADING: &str = "sku,title_th,price,currency,hs_code,origin,weight_grams,size,stock\r\n";

    fn row(title: &str) -> String {
        format!("{HEADING}A-6,{title},350.00,THB,460219,TH,400,300x200x100,5\r\n")
    }

    #[test]
    fn each_encoding_is_recognised() {
        let of_language =
            |title: &str, language: &str| row(title).replace("title_th", &format!("title_{language}"));
        let chinese = |title: &str| of_language(title, "zh");
        let latin = |title: &str| of_language(title, "fr");
        let (thai, french) = (row("ตะกร้าสาน"), latin("Crème brûlée"));
        let name = |bytes: &[u8]| of(bytes).unwrap().encoding.name();
        assert_eq!(name(HEADING.as_bytes()), "UTF-8");
        assert_eq!(name(thai.as_bytes()), "UTF-8");
        assert_eq!(name(format!("\u{feff}{thai}").as_bytes()), "UTF-8");
        for marked in [thai.clone(), format!("\u{feff}{thai}")] {
            assert_eq!(name(&utf_16(&marked, u16::to_le_bytes)), "UTF-16LE");
            assert_eq!(name(&utf_16(&marked, u16::to_be_bytes)), "UTF-16BE");
        }
        assert_eq!(name(&WINDOWS_874.encode(&thai).0), "windows-874");
        assert_eq!(name(&WINDOWS_874.encode(&row("หมวก")).0), "windows-874");
        assert_eq!(name(&WINDOWS_1252.encode(&french).0), "windows-1252");
        assert_eq!(name(&WINDOWS_1252.encode(&latin("Café")).0), "windows-1252");
        assert_eq!(name(&WINDOWS_1252.encode(&latin("Größe für Tür")).0), "windows-1252");
        assert_eq!(name(&WINDOWS_1252.encode(&latin("£12, 25°, 30 × 40")).0), "windows-1252");
        assert_eq!(name(&encoding_rs::GBK.encode(&chinese("丝绸围巾")).0), "GBK");
        // Few letters are of the language that their column is in.
        for thai in ["พัด", "ร่ม", "ชา"] {
            assert_eq!(name(&WINDOWS_874.encode(&row(thai)).0), "windows-874", "{thai}");
        }
        for few in ["茶", "灯笼"] {
            assert_eq!(name(&encoding_rs::GBK.encode(&chinese(few)).0), "GBK", "{few}");
        }
        assert_eq!(name(&encoding_rs::SHIFT_JIS.encode(&of_language("お茶", "ja")).0), "Shift_JIS");
    }

    #[test]
    fn a_line_of_another_encoding_does_not_decide_for_all() {
        let mut mixed = row("ตะกร้า").into_bytes();
        mixed.extend_from_slice("A-7,หมวก,1\r\nA-8,พัด,1\r\n".as_bytes());
        mixed.extend_from_slice(&WINDOWS_874.encode("A-9,ชา,1\r\n").0);
        assert_eq!(of(&mixed).unwrap().encoding, UTF_8);
    }

    #[test]
    fn what_is_no_text_is_refused_by_what_it_is() {
        for (bytes, said) in [
            (&b""[..], "empty"),
            (b" \r\n \n", "empty"),
            (b"PK\x03\x04rest", "spreadsheet"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"\xff\xfe\0\0s\0\0\0", "UTF-32"),
        ] {
            let error = of(bytes).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn encodings_are_told_by_name() {
        assert_eq!(named("TIS-620").unwrap(), WINDOWS_874);
        assert!(named("ebcdic").unwrap_err().contains("windows-874"));
    }
}
