//! The letters of languages that are not written in Latin ones: by them an encoding is recognised, and seen to be wrong.

/// How a language is written.
#[derive(Debug)]
pub(super) struct Script {
    /// Its tag, or the beginning of it.
    language: &'static str,
    /// A domain under which texts are in it: what the recognition is told.
    pub(super) domain: &'static [u8],
    letters: fn(char) -> bool,
}

/// The first one that fits is a language's.
const SCRIPTS: [Script; 9] = [
    Script { language: "th", domain: b"th", letters: |letter| matches!(letter, '\u{e00}'..='\u{e7f}') },
    Script { language: "zh-Hant", domain: b"tw", letters: is_han },
    Script { language: "zh-TW", domain: b"tw", letters: is_han },
    Script { language: "zh-HK", domain: b"hk", letters: is_han },
    Script { language: "zh", domain: b"cn", letters: is_han },
    Script {
        language: "ja",
        domain: b"jp",
        letters: |letter| {
            is_han(letter) || matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}')
        },
    },
    Script {
        language: "ko",
        domain: b"kr",
        letters: |letter| {
            is_han(letter) || matches!(letter, '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7af}')
        },
    },
    Script { language: "ru", domain: b"ru", letters: |letter| matches!(letter, '\u{400}'..='\u{52f}') },
    Script { language: "el", domain: b"gr", letters: |letter| matches!(letter, '\u{370}'..='\u{3ff}') },
];

fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
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
}

impl Seen {
    pub(super) fn of(language: Option<&str>) -> Self {
        Self { script: language.and_then(of), own: false, foreign: false }
    }

    pub(super) fn learn(&mut self, cell: &str) {
        let Some(script) = self.script else { return };
        for letter in cell.chars().filter(|letter| !letter.is_ascii()) {
            self.own |= (script.letters)(letter);
            self.foreign |= !(script.letters)(letter);
        }
    }

    /// Whether there are letters that ASCII has not, and none of them is of the language.
    pub(super) fn is_foreign(self) -> bool {
        self.foreign && !self.own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_of_a_language_or_not() {
        let foreign = |language: &str, cells: &[&str]| {
            let mut seen = Seen::of(Some(language));
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
}
