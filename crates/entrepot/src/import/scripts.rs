//! The letters of languages that are not written in Latin ones: by them an encoding is recognised, and seen to be wrong.

use encoding_rs::{BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, WINDOWS_874, WINDOWS_1251, WINDOWS_1253};

/// How a language is written.
#[derive(Debug)]
pub(super) struct Script {
    /// Its tag, or the beginning of it.
    language: &'static str,
    /// A domain under which texts are in it: what the recognition is told.
    pub(super) domain: &'static [u8],
    /// The encoding that files in it have where they are not in Unicode.
    pub(super) legacy: &'static Encoding,
    letters: fn(char) -> bool,
}

impl Script {
    /// Whether the letters that ASCII has not are all of this script.
    fn spells(&self, word: &str) -> bool {
        word.chars().filter(|letter| !letter.is_ascii()).all(self.letters)
    }

    /// Whether a word of UTF-8 spells nothing and is a word of this script in its legacy encoding: the bytes of `หนัง` in
    /// windows-874 are `˹ѧ` in UTF-8.
    fn is_legacy(&self, word: &str) -> bool {
        let legacy = || self.legacy.decode_without_bom_handling_and_without_replacement(word.as_bytes());
        !is_western(word) && !self.spells(word) && legacy().is_some_and(|word| self.spells(&word))
    }
}

/// The first one that fits is a language's.
static SCRIPTS: [Script; 9] = [
    Script {
        language: "th",
        domain: b"th",
        legacy: WINDOWS_874,
        letters: |letter| matches!(letter, '\u{e01}'..='\u{e3a}' | '\u{e3f}'..='\u{e5b}'),
    },
    Script { language: "zh-Hant", domain: b"tw", legacy: BIG5, letters: is_han },
    Script { language: "zh-TW", domain: b"tw", legacy: BIG5, letters: is_han },
    Script { language: "zh-HK", domain: b"hk", legacy: BIG5, letters: is_han },
    Script { language: "zh", domain: b"cn", legacy: GBK, letters: is_han },
    Script {
        language: "ja",
        domain: b"jp",
        legacy: SHIFT_JIS,
        letters: |letter| {
            is_han(letter) || matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}')
        },
    },
    Script {
        language: "ko",
        domain: b"kr",
        legacy: EUC_KR,
        letters: |letter| {
            is_han(letter) || matches!(letter, '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7af}')
        },
    },
    Script {
        language: "ru",
        domain: b"ru",
        legacy: WINDOWS_1251,
        letters: |letter| matches!(letter, '\u{400}'..='\u{52f}'),
    },
    Script {
        language: "el",
        domain: b"gr",
        legacy: WINDOWS_1253,
        letters: |letter| matches!(letter, '\u{370}'..='\u{3ff}'),
    },
];

fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Latin letters beside those of ASCII, as in `Café`, and signs beside letters or digits, as in `25°`.
fn is_western(word: &str) -> bool {
    let (ascii, others): (Vec<char>, Vec<char>) = word.chars().partition(char::is_ascii);
    let is_latin = |letter: &char| *letter < '\u{250}' || matches!(letter, '\u{1e00}'..='\u{1eff}');
    let fits = |other: &char| {
        let beside =
            if other.is_alphabetic() { char::is_ascii_alphabetic } else { char::is_ascii_alphanumeric };
        is_latin(other) && ascii.iter().any(beside)
    };
    others.iter().all(fits)
}

/// What stands between blanks, punctuation and signs such as `™` that texts of all languages have.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| match letter {
        '\u{2000}'..='\u{218f}' => true,
        _ => letter.is_ascii() && !letter.is_ascii_alphanumeric(),
    })
}

/// The letters of a language; `None`: Latin ones, or not known.
pub(super) fn of(language: &str) -> Option<&'static Script> {
    let is_of = |script: &&Script| {
        let rest = language.strip_prefix(script.language);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    SCRIPTS.iter().find(is_of)
}

/// The letters of a column that have been seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    script: Option<&'static Script>,
    own: bool,
    foreign: bool,
    legacy: bool,
}

impl Seen {
    pub(super) fn of(script: Option<&'static Script>) -> Self {
        Self { script, ..Self::default() }
    }

    pub(super) fn learn(&mut self, cell: &str) {
        let Some(script) = self.script.filter(|_| !cell.is_ascii()) else { return };
        for letter in cell.chars().filter(|letter| !letter.is_ascii()) {
            self.own |= (script.letters)(letter);
            self.foreign |= !(script.letters)(letter);
        }
        self.legacy |= words(cell).any(|word| script.is_legacy(word));
    }

    /// Whether there is a letter of the script.
    pub(super) fn is_own(self) -> bool {
        self.own
    }

    /// Whether there are letters that ASCII has not, and none of them is of the script.
    pub(super) fn is_foreign(self) -> bool {
        self.foreign && !self.own
    }

    /// The encoding in which a word that spells nothing in UTF-8 is one of the script.
    pub(super) fn legacy(self) -> Option<&'static Encoding> {
        self.script.filter(|_| self.legacy).map(|script| script.legacy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_of_a_language_or_not() {
        let foreign = |language: &str, cells: &[&str]| {
            let mut seen = Seen::of(of(language));
            cells.iter().for_each(|cell| seen.learn(cell));
            seen.is_foreign()
        };
        assert!(foreign("th", &["¾Ñ´", "ok"]) && foreign("zh", &["Ãø"]) && foreign("ja", &["é"]));
        assert!(
            !foreign("th", &["ชา", "Café"]) && !foreign("th", &["iPhone", ""]) && !foreign("en", &["Café"])
        );
        assert!(!foreign("ja", &["茶"]) && !foreign("ko", &["차"]) && !foreign("zh-Hant", &["茶"]));
        assert_eq!(of("zh-Hant-HK").unwrap().domain, b"tw");
        assert_eq!(of("zh-Hans").unwrap().domain, b"cn");
        assert!(of("tha").is_none());
    }

    #[test]
    fn a_word_of_a_legacy_encoding_may_be_valid_in_utf_8() {
        let legacy = |language: &str, cell: &str| {
            let mut seen = Seen::of(of(language));
            seen.learn(cell);
            seen.legacy().map(Encoding::name)
        };
        let misread = |encoding: &'static Encoding, text: &str| {
            String::from_utf8(encoding.encode(text).0.into_owned()).expect("valid in UTF-8")
        };
        for thai in ["หนัง", "รถ", "หนัง, A4", "โกง", "เนก"] {
            assert_eq!(legacy("th", &misread(WINDOWS_874, thai)), Some("windows-874"), "{thai}");
            assert_eq!(legacy("en", &misread(WINDOWS_874, thai)), None, "{thai}");
        }
        assert_eq!(legacy("zh-Hans", &misread(GBK, "耀")), Some("GBK"));
        for fine in ["หนัง", "Café", "Größe", "25°", "£12", "m²", "Men’s – ‘A4’ ™", "5 µm"]
        {
            assert_eq!(legacy("th", fine), None, "{fine}");
        }
        assert_eq!((legacy("zh", "茶"), legacy("zh", "Men’s"), legacy("ru", "Чай")), (None, None, None));
    }
}
