//! Free text as people write it, and what of it is passed on: every such field of every request and file is read by a
//! [`Text`], so that it can be stored, printed on a label, put into XML and shown again.
//!
//! A field that people must fill in needs a letter or digit that can be seen. What no text needs and what changes how
//! other text reads is refused in all: control characters, directions, code points without a meaning, marks that pile up
//! over the lines around, tags outside of flags. What some scripts need stays: joiners (U+200C, U+200D), spaces of no
//! width (U+200B, in Thai and Khmer), variation selectors.

use std::fmt;

/// How much of a text an error repeats, in characters.
const EXCERPT_CHARACTERS_MAX: usize = 40;
/// The most marks on a letter: more would print over the lines above and below.
const MARKS_MAX: usize = 8;
/// The most letters and digits of a flag's tag: a region's two and its subdivision's four.
const FLAG_TAGS_MAX: usize = 6;

/// What a field of text takes. Lengths are in characters, without the blanks at both ends, which are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    most: usize,
    required: bool,
    lines: bool,
}

/// What is wrong with a text and what is allowed, to stand behind the field's name. Echoes no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing.
    #[error("is required")]
    Missing,
    /// There is something, and nobody could read it.
    #[error("needs a visible letter or digit")]
    Blank,
    /// It is optional, and what there is cannot be seen.
    #[error("has no visible character: leave it empty instead")]
    Unseen,
    /// Too many characters.
    #[error("has {length} characters; at most {most} are allowed")]
    Long {
        /// How many it has.
        length: usize,
        /// How many it may have.
        most: usize,
    },
    /// A character that has no place in text.
    #[error("has U+{:04X} ({what}) at character {place}: it is not allowed", u32::from(*.character))]
    Harmful {
        /// Which.
        character: char,
        /// What it is, such as `a control character`.
        what: &'static str,
        /// Where it stands, from 1.
        place: usize,
    },
    /// Something else than a postcode has.
    #[error("has `{}` at character {place}: a postcode has the letters A to Z, digits, spaces and hyphens", excerpt(&.character.to_string()))]
    Postcode {
        /// What.
        character: char,
        /// Where it stands, from 1.
        place: usize,
    },
    /// A tag that is not well-formed.
    #[error(
        "must be a language tag of BCP 47, such as en, zh-Hant or pt-BR: a language of 2 or 3 letters, then parts of up to 8 letters and digits with hyphens between"
    )]
    Language,
}

impl Text {
    /// A line that must be there.
    pub const fn required(most: usize) -> Self {
        Self { most, required: true, lines: false }
    }

    /// A line that may be empty.
    pub const fn optional(most: usize) -> Self {
        Self { most, required: false, lines: false }
    }

    /// Of several lines.
    pub const fn lines(self) -> Self {
        Self { lines: true, ..self }
    }

    /// The most characters.
    pub const fn most(self) -> usize {
        self.most
    }

    /// The text without the blanks at both ends, if a field may hold it; its lines end with `\n`.
    pub fn read(self, text: &str) -> Result<String, Error> {
        Ok(self.check(text)?.replace("\r\n", "\n"))
    }

    /// As [`Text::read`], a part of what was given: for a line.
    pub fn check(self, text: &str) -> Result<&str, Error> {
        let text = text.trim();
        if text.is_empty() {
            return if self.required { Err(Error::Missing) } else { Ok(text) };
        }
        let length = text.chars().count();
        if length > self.most {
            return Err(Error::Long { length, most: self.most });
        }
        let mut harms = Harms::default();
        let mut characters = text.chars().enumerate().peekable();
        while let Some((index, character)) = characters.next() {
            let ends_line = character == '\n'
                || (character == '\r' && characters.peek().is_some_and(|(_, next)| *next == '\n'));
            if self.lines && ends_line {
                continue;
            }
            if let Some(what) = harms.of(character) {
                return Err(Error::Harmful { character, what, place: index + 1 });
            }
        }
        let is_seen = |character: char| !character.is_whitespace() && !is_unseen(character);
        if self.required && !text.chars().any(|character| character.is_alphanumeric() && is_seen(character)) {
            return Err(Error::Blank);
        }
        if !text.chars().any(is_seen) {
            return Err(Error::Unseen);
        }
        Ok(text)
    }

    /// A postcode, in the one notation that carriers' zones use for its prefixes.
    pub fn read_postcode(self, text: &str) -> Result<String, Error> {
        let text = self.read(text)?;
        let is_of_postcode =
            |character: char| character.is_ascii_alphanumeric() || matches!(character, ' ' | '-');
        match text.chars().enumerate().find(|(_, character)| !is_of_postcode(*character)) {
            None => Ok(text),
            Some((index, character)) => Err(Error::Postcode { character, place: index + 1 }),
        }
    }
}

/// A language tag that is well-formed by BCP 47 (RFC 5646, section 2.1), in the letters that it recommends: `EN-us` is
/// `en-US`.
pub fn language(tag: &str) -> Result<String, Error> {
    let tag = tag.trim();
    if tag.is_empty() {
        return Err(Error::Missing);
    }
    if tag.len() > LANGUAGE_CHARACTERS_MAX {
        return Err(Error::Long { length: tag.chars().count(), most: LANGUAGE_CHARACTERS_MAX });
    }
    let parts: Vec<&str> = tag.split('-').collect();
    let is_part =
        |part: &&str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !parts.iter().all(is_part) || !is_language_tag(&parts) {
        return Err(Error::Language);
    }
    let mut after_singleton = false;
    let canonical = parts.iter().enumerate().map(|(index, part)| {
        let is_word = part.bytes().all(|byte| byte.is_ascii_alphabetic());
        let cased = match part.len() {
            2 if index > 0 && is_word && !after_singleton => part.to_ascii_uppercase(),
            4 if index > 0 && is_word && !after_singleton => {
                part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase()
            }
            _ => part.to_ascii_lowercase(),
        };
        after_singleton |= part.len() == 1;
        cased
    });
    Ok(canonical.collect::<Vec<_>>().join("-"))
}

/// The longest language tag, which RFC 5646 recommends to take.
const LANGUAGE_CHARACTERS_MAX: usize = 35;

/// `langtag` or `privateuse` of the RFC's grammar; its parts have letters and digits, one to eight.
fn is_language_tag(parts: &[&str]) -> bool {
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mut rest = parts;
    let mut take = |is: &dyn Fn(&str) -> bool| match rest.split_first() {
        Some((first, others)) if is(first) => {
            rest = others;
            true
        }
        _ => false,
    };
    if take(&|part| part.eq_ignore_ascii_case("x")) {
        return !rest.is_empty();
    }
    if take(&|part| letters(part) && matches!(part.len(), 2 | 3)) {
        // Extended languages: at most three.
        for _ in 0..3 {
            if !take(&|part| letters(part) && part.len() == 3) {
                break;
            }
        }
    } else if !take(&|part| letters(part) && part.len() >= 4) {
        return false;
    }
    take(&|part| letters(part) && part.len() == 4);
    take(&|part| (letters(part) && part.len() == 2) || (digits(part) && part.len() == 3));
    while take(&|part| part.len() >= 5 || (part.len() == 4 && part.as_bytes()[0].is_ascii_digit())) {}
    while take(&|part| part.len() == 1 && !part.eq_ignore_ascii_case("x")) {
        if !take(&|part| part.len() >= 2) {
            return false;
        }
        while take(&|part| part.len() >= 2) {}
    }
    if take(&|part| part.eq_ignore_ascii_case("x")) {
        return !rest.is_empty();
    }
    rest.is_empty()
}

/// What of a wrong text an error repeats: its beginning, with what harms or hides escaped.
pub fn excerpt(text: &str) -> Shortened<'_> {
    shortened(text, EXCERPT_CHARACTERS_MAX)
}

/// The first characters of a text, with what harms or hides escaped.
pub fn shortened(text: &str, most: usize) -> Shortened<'_> {
    Shortened { text, most }
}

/// The beginning of a text, for an error or a log.
#[derive(Debug, Clone, Copy)]
pub struct Shortened<'a> {
    text: &'a str,
    most: usize,
}

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut harms = Harms::default();
        let mut characters = self.text.chars();
        for character in characters.by_ref().take(self.most) {
            if harms.of(character).is_some() || (is_unseen(character) && !is_joiner(character)) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        if characters.next().is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// Whether a text has a character that no text may hold.
pub fn is_harmful(text: &str) -> bool {
    let mut harms = Harms::default();
    text.chars().any(|character| harms.of(character).is_some())
}

/// The text with a blank for each character that no text may hold.
pub fn harmless(text: &str) -> String {
    let mut harms = Harms::default();
    text.chars().map(|character| if harms.of(character).is_some() { ' ' } else { character }).collect()
}

/// Which characters of a text harm, by what stands before them.
#[derive(Default)]
struct Harms {
    /// Marks on the letter before.
    marks: usize,
    /// The tags that may still follow in an emoji of a flag.
    flag_tags: usize,
}

impl Harms {
    /// What the next character is that has no place here.
    fn of(&mut self, character: char) -> Option<&'static str> {
        let tags = std::mem::take(&mut self.flag_tags);
        match u32::from(character) {
            // A black flag: the tags of its region follow.
            0x1F3F4 => self.flag_tags = FLAG_TAGS_MAX + 1,
            // Tags of digits and letters, but for the last place, and the one that ends them.
            0xE0030..=0xE0039 | 0xE0061..=0xE007A if tags > 1 => self.flag_tags = tags - 1,
            0xE007F if (1..=FLAG_TAGS_MAX).contains(&tags) => {}
            0xE0020..=0xE007F => return Some("a tag character outside a flag"),
            _ => {}
        }
        if is_mark(character) {
            self.marks += 1;
        } else if !is_unseen(character) {
            self.marks = 0;
        }
        if self.marks > MARKS_MAX {
            return Some("a ninth combining mark on one letter");
        }
        harm(character)
    }
}

/// Whether a character is a mark that stands on the one before, by Unicode's Grapheme_Extend. The standard library tells
/// it in one way only: of a text, it escapes such a character at the beginning and nowhere else.
fn is_mark(character: char) -> bool {
    !character.is_ascii()
        && character.escape_debug().count() > 1
        && format!("a{character}").escape_debug().count() == 2
}

/// What a character is that has no place in any text.
fn harm(character: char) -> Option<&'static str> {
    let point = u32::from(character);
    Some(match point {
        _ if character.is_control() => "a control character",
        _ if point & 0xFFFE == 0xFFFE => "not a character",
        0xFDD0..=0xFDEF => "not a character",
        0x061C | 0x200E..=0x200F | 0x202A..=0x202E | 0x2066..=0x2069 => "a text-direction mark",
        0x2028..=0x2029 => "a line separator",
        0x206A..=0x206F | 0xFFF9..=0xFFFB | 0x1D173..=0x1D17A | 0xE0001 => "a formatting mark",
        0xFEFF => "a byte-order mark",
        0xFFFC..=0xFFFD => "a replacement character",
        0xE000..=0xF8FF | 0xF_0000..=0x10_FFFF => "a private-use character",
        0xFFF0..=0xFFF8 | 0xE0000 | 0xE0002..=0xE001F | 0xE0080..=0xE00FF | 0xE01F0..=0xE0FFF => {
            "not assigned"
        }
        // Planes that Unicode has given to nothing yet.
        0x4_0000..=0xD_FFFF => "not assigned",
        _ => return None,
    })
}

/// Characters that nobody sees by themselves: `Default_Ignorable_Code_Point` of Unicode, and the blank of Braille.
fn is_unseen(character: char) -> bool {
    matches!(
        u32::from(character),
        0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
            | 0x202A..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0
            | 0xFFF0..=0xFFF8 | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF
    )
}

/// What binds letters of some scripts, and forms of emoji.
fn is_joiner(character: char) -> bool {
    matches!(u32::from(character), 0x200C..=0x200D | 0xFE00..=0xFE0F)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: Text = Text::required(20);

    #[test]
    fn required_text_has_a_letter_or_digit_that_can_be_seen() {
        assert_eq!(LINE.read(""), Err(Error::Missing));
        assert_eq!(LINE.read(" \t\n"), Err(Error::Missing));
        for blank in [
            "!!!",
            "-",
            "\u{200b}",
            "\u{200d}\u{200c}",
            "\u{3164}",
            "\u{115f}\u{1160}",
            "\u{ffa0}",
            "\u{2800}",
            "…",
            "😀",
        ] {
            assert_eq!(LINE.read(blank), Err(Error::Blank), "{blank:?}");
        }
        for fine in ["a", "7", "ก", "٣", "字", "Ⅷ", "No. 5 / Lot 7"] {
            assert_eq!(LINE.read(fine).as_deref(), Ok(fine));
        }
        assert_eq!(LINE.read("  Jalan 7 ").as_deref(), Ok("Jalan 7"));
    }

    #[test]
    fn what_harms_is_refused_and_named_with_its_place() {
        let harmful = [
            '\0',
            '\u{7}',
            '\u{1b}',
            '\t',
            '\u{7f}',
            '\u{85}',
            '\u{202e}',
            '\u{202a}',
            '\u{2066}',
            '\u{200f}',
            '\u{61c}',
            '\u{fffe}',
            '\u{ffff}',
            '\u{1fffe}',
            '\u{10ffff}',
            '\u{fdd0}',
            '\u{2028}',
            '\u{feff}',
            '\u{fffd}',
            '\u{fff9}',
            '\u{e000}',
            '\u{e0001}',
            '\u{f0000}',
            '\u{50000}',
            '\n',
            '\r',
        ];
        for character in harmful {
            let text = format!("ab{character}c");
            for field in [LINE, Text::optional(20)] {
                let error = field.read(&text).unwrap_err();
                assert!(matches!(error, Error::Harmful { place: 3, .. }), "{character:?}: {error}");
                let point = format!("U+{:04X}", u32::from(character));
                assert!(
                    error.to_string().contains(&point) && !error.to_string().contains(character),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn what_scripts_and_people_need_stays() {
        for text in [
            "क्\u{200d}ष",
            "می\u{200c}خواهم",
            "ภาษา\u{200b}ไทย",
            "Kedai Façade",
            "👩\u{200d}👩\u{200d}👧 1",
            "❤\u{fe0f} a",
            "ລາວ",
            "O’Brien & Söhne <3",
            "Straße 1/2-A, #05-06",
            "co\u{ad}operate",
            "𠮷野家",
            "e\u{301}",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} a",
            "\u{1f3f4}\u{200d}\u{2620}\u{fe0f} a",
            "น้ำผึ้ง ก็ กี่",
            "སྒྲུབས་ བརྒྱུད",
            "בְּרֵאשִׁית",
        ] {
            assert_eq!(LINE.read(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn marks_do_not_pile_up() {
        let field = Text::required(200);
        for mark in ["\u{301}", "\u{e49}", "\u{651}", "\u{20dd}", "\u{1dc4}", "\u{fe0f}", "\u{301}\u{200d}"] {
            let count = mark.chars().count();
            assert!(field.read(&format!("a{}b{0}", mark.repeat(8))).is_ok(), "{mark:?}");
            let error = field.read(&format!("a{}", mark.repeat(9))).unwrap_err();
            let place = 2 + 8 * count;
            assert!(
                matches!(error, Error::Harmful { place: found, .. } if found == place),
                "{mark:?}: {error}"
            );
            assert!(error.to_string().contains("a ninth combining mark on one letter"), "{error}");
        }
        assert!(field.read(&"\u{3000}a".repeat(20)).is_ok());
        assert!(field.read(&format!("a{}b", "\u{3000}".repeat(20))).is_ok(), "blanks are no marks");
        let shown = excerpt(&format!("a{}", "\u{301}".repeat(20))).to_string();
        assert_eq!(shown.matches('\u{301}').count(), MARKS_MAX);
        assert_eq!(
            harmless(&format!("a{}b\u{202e}", "\u{301}".repeat(9))),
            format!("a{} b ", "\u{301}".repeat(8))
        );
    }

    #[test]
    fn tags_stand_in_flags_alone() {
        let flag = "\u{1f3f4}";
        for hidden in [
            "a\u{e0041}".to_owned(),
            format!("{flag}a\u{e0067}"),
            format!("{flag}\u{e007f} a"),
            format!("{flag}\u{e0041} a"),
            format!("{flag}{} a", "\u{e0061}".repeat(7)),
            format!("{flag}\u{e0067}\u{e007f}\u{e0067} a"),
            "\u{e007f}a".to_owned(),
        ] {
            let error = LINE.read(&hidden).unwrap_err().to_string();
            assert!(error.contains("a tag character outside a flag"), "{hidden:?}: {error}");
            assert!(is_harmful(&hidden));
        }
        assert!(!is_harmful(&format!("{flag}{}\u{e007f} a", "\u{e0061}".repeat(6))));
    }

    #[test]
    fn lengths_are_bounded_in_characters() {
        assert!(LINE.read(&"ก".repeat(20)).is_ok());
        assert_eq!(LINE.read(&"ก".repeat(21)), Err(Error::Long { length: 21, most: 20 }));
        let error = LINE.read(&"z".repeat(500_000)).unwrap_err().to_string();
        assert_eq!(error, "has 500000 characters; at most 20 are allowed");
    }

    #[test]
    fn lines_are_allowed_where_they_are() {
        assert_eq!(Text::optional(20).lines().read("a\r\nb\n\nc\n").as_deref(), Ok("a\nb\n\nc"));
        assert!(Text::optional(20).lines().read("a\rb").is_err());
        assert_eq!(Text::optional(20).read("").as_deref(), Ok(""));
        assert_eq!(Text::optional(20).read("\u{200b}"), Err(Error::Unseen));
        assert_eq!(Text::optional(20).read("-").as_deref(), Ok("-"));
    }

    #[test]
    fn a_postcode_has_one_way_to_be_written() {
        let postcode = Text::required(12);
        assert_eq!(postcode.read_postcode(" 50450 ").as_deref(), Ok("50450"));
        assert_eq!(postcode.read_postcode("SW1A 1AA").as_deref(), Ok("SW1A 1AA"));
        for wrong in ["", " ", "!!!", "--", "５０４５０", "50\u{200b}450", "50450;"] {
            assert!(postcode.read_postcode(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn languages_are_well_formed() {
        for (tag, canonical) in [
            ("en", "en"),
            ("EN-us", "en-US"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("zh-cmn-Hans-CN", "zh-cmn-Hans-CN"),
            ("es-419", "es-419"),
            ("sl-rozaj-biske", "sl-rozaj-biske"),
            ("de-1996", "de-1996"),
            ("en-u-ca-buddhist", "en-u-ca-buddhist"),
            ("x-my-own", "x-my-own"),
            ("en-x-US", "en-x-us"),
            ("ms", "ms"),
            ("fil", "fil"),
        ] {
            assert_eq!(language(tag).as_deref(), Ok(canonical));
        }
        for wrong in [
            "",
            " ",
            "not a tag!",
            "e",
            "en_US",
            "en-",
            "-en",
            "en--US",
            "1en",
            "en-US-GB",
            "en-u",
            "x",
            "en-x",
            "englishlanguage",
            "th\u{202e}",
            "ไทย",
            "en-abcdefghi",
        ] {
            assert!(language(wrong).is_err(), "{wrong:?}");
        }
        assert!(language(&"en-".repeat(100_000)).unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn an_excerpt_is_short_and_harmless() {
        assert_eq!(excerpt("abc").to_string(), "abc");
        assert_eq!(excerpt("a\u{202e}b\u{0}\u{fffe}").to_string(), "a\\u{202e}b\\u{0}\\u{fffe}");
        let long = excerpt(&"ก".repeat(500_000)).to_string();
        assert_eq!(long.chars().count(), EXCERPT_CHARACTERS_MAX + 1);
        assert!(excerpt(&"\u{202e}".repeat(500_000)).to_string().len() < 500);
    }
}
