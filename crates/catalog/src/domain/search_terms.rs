//! The words by which goods are found: lower case, letters and digits of any script.

use std::collections::BTreeSet;

/// Words of a product that are kept.
const TERMS_MAX: usize = 400;
/// The longest word that is kept, in characters.
const TERM_CHARACTERS_MAX: usize = 40;

/// The words of a text.
pub(crate) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    texts.into_iter().flat_map(words).take(TERMS_MAX).collect()
}

/// The words that are looked for, each to begin a word of the goods: as many as the text has.
pub(crate) fn wanted(text: &str) -> Vec<String> {
    words(text).collect::<BTreeSet<String>>().into_iter().collect()
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    // Marks belong to words of Thai and other scripts.
    let is_mark =
        |letter: char| matches!(u32::from(letter), 0x0300..=0x036F | 0x0E31..=0x0E4E | 0x0900..=0x0DFF);
    text.split(move |letter: char| !letter.is_alphanumeric() && !is_mark(letter))
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().chars().take(TERM_CHARACTERS_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lower_case_and_apart() {
        let words = of(["Batik sarong, BLUE-2", "ผ้าไหม Silk"]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(words, ["2", "batik", "blue", "sarong", "silk", "ผ้าไหม"]);
        assert_eq!(wanted("  "), Vec::<String>::new());
    }

    #[test]
    fn no_word_of_a_search_is_dropped() {
        assert_eq!(wanted("a b c d e f g h a B").len(), 8);
        let hundred = (100..200).map(|number| number.to_string()).collect::<Vec<_>>();
        assert_eq!(wanted(&hundred.join(" ")), hundred);
    }
}
