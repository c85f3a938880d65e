//! Words into a box: as large as they fit, over as many lines as they need. Widths are estimates for a sans-serif font,
//! on the wide side: a line may end early, and does not leave the label. Of letters whose width is not known, the line
//! tells how long it may be, and who draws it squeezes it.

/// Lines and their letters' size.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FittedText {
    /// Hundredths of a millimetre.
    pub(super) size: u32,
    pub(super) lines: Vec<String>,
}

/// From one line to the next, in hundredths of the letters' size.
pub(super) const LEADING: u32 = 125;
/// The smallest letters, and by how much they shrink from try to try.
const SIZE_MIN: u32 = 50;
const STEP: u32 = 25;

/// The largest size at which the paragraphs fit into a box, each beginning a line. All in hundredths of a millimetre.
pub(super) fn fit(paragraphs: &[String], width: u32, height: u32, largest: u32) -> FittedText {
    let mut size = largest;
    loop {
        let lines: Vec<String> =
            paragraphs.iter().flat_map(|paragraph| wrap(paragraph, width * 1_000 / size)).collect();
        let count = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        if count.saturating_mul(size * LEADING / 100) <= height || size <= SIZE_MIN {
            return FittedText { size, lines };
        }
        size = size.saturating_sub(STEP).max(SIZE_MIN);
    }
}

/// Lines of at most so many thousandths of the letters' size; they end at blanks, or within a word that is longer than
/// a line.
fn wrap(text: &str, width: u32) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let (blank, long) = (width_of(' '), word.chars().map(width_of).sum::<u32>());
        let joined = if used == 0 { long } else { used + blank + long };
        if joined <= width {
            if used > 0 {
                push(&mut lines, " ");
            }
            push(&mut lines, word);
            used = joined;
            continue;
        }
        if used > 0 {
            lines.push(String::new());
        }
        used = 0;
        for letter in word.chars() {
            // A mark stays with its letter.
            if used > 0 && width_of(letter) > 0 && used + width_of(letter) > width {
                lines.push(String::new());
                used = 0;
            }
            push(&mut lines, letter.encode_utf8(&mut [0; 4]));
            used += width_of(letter);
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

fn push(lines: &mut [String], text: &str) {
    if let Some(last) = lines.last_mut() {
        last.push_str(text);
    }
}

/// Thousandths of the letters' size.
fn width_of(letter: char) -> u32 {
    known_width(letter).unwrap_or(UNKNOWN)
}

/// To what a line must be squeezed that may be wider than its room since nobody knows how wide its letters are. In
/// hundredths of a millimetre, as the size.
pub(super) fn squeezed(line: &str, size: u32, room: u32) -> Option<u32> {
    let widest = line.chars().map(|letter| known_width(letter).unwrap_or(UNKNOWN_MAX)).sum::<u32>();
    let is_known = line.chars().all(|letter| known_width(letter).is_some());
    let width = line.chars().map(width_of).sum::<u32>();
    (!is_known && widest * size / 1_000 > room).then(|| room.min(width * size / 1_000))
}

/// What a letter is taken for that nobody has measured, and the widest that such letters are.
const UNKNOWN: u32 = 1_600;
const UNKNOWN_MAX: u32 = 5_000;

/// In thousandths of the letters' size, those that were measured: in DejaVu Sans and the Noto Sans of each script, the
/// widest letter of each set.
fn known_width(letter: char) -> Option<u32> {
    Some(match letter {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' => 350,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '-' | '/' | 'I' | '!' => 430,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 1_000,
        'A'..='Z' | '&' | '#' | '+' | '=' | '<' | '>' | '~' | '^' => 850,
        '!'..='~' => 660,
        '©' | '®' | '¼'..='¾' | 'Æ' | 'æ' | 'Ħ' | 'Œ' | 'œ' | 'Ŵ' | 'ŵ' => 1_100,
        '\u{a0}'..='\u{17f}' => 850,
        other => return width_in_script(u32::from(other)),
    })
}

fn width_in_script(point: u32) -> Option<u32> {
    Some(match point {
        // Marks above and below, and what is not seen.
        0x300..=0x36F | 0x64B..=0x65F | 0x200B..=0x200D | 0xFE00..=0xFE0F => 0,
        0xE31 | 0xE34..=0xE3A | 0xE47..=0xE4E | 0xEB1 | 0xEB4..=0xEBC | 0xEC8..=0xECE => 0,
        // Latin, Greek, Cyrillic, Armenian, Hebrew, Arabic.
        0x180..=0x24F | 0x460..=0x52F => 1_450,
        0x1E00..=0x1EFF | 0x370..=0x3FF => 1_050,
        0x400..=0x45F => 1_150,
        0x531..=0x58F => 1_000,
        0x5D0..=0x5EA => 800,
        0x620..=0x6FF => 1_350,
        // Of India and Ceylon.
        0x900..=0x97F => 1_050,
        0x980..=0xB7F => 1_500,
        0xB94 | 0xBCC | 0xBF0..=0xBFF => 2_250,
        0xB80..=0xBEF => 1_750,
        0xC00..=0xCFF => 1_800,
        0xD00..=0xDFF => 2_200,
        // Thai, Lao, Burmese, Georgian, Ethiopic, Khmer.
        0xE00..=0xE7F => 920,
        0xE80..=0xEFF => 1_050,
        0x102A => 2_500,
        0x1000..=0x109F => 1_600,
        0x10A0..=0x10FF => 1_100,
        0x1200..=0x139F => 1_300,
        0x1780..=0x17FF => 2_000,
        // Signs, and those that are widest of all.
        0x2030 | 0x2031 | 0x2150..=0x218F => 1_750,
        0x2010..=0x2027 | 0x2032..=0x205E => 1_150,
        0x2070..=0x214F => 1_400,
        0x2190..=0x27FF => 1_800,
        0x2E3A => 2_000,
        0x2E3B => 3_000,
        0xFB50..=0xFDFC => 2_400,
        0xFDFD => 7_500,
        0x12000..=0x1254F => 5_000,
        // Chinese, Japanese, Korean; emoji.
        0x2E80..=0x9FFF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF01..=0xFFEE => 1_050,
        0x2_0000..=0x3_FFFF => 1_050,
        0x1_F000..=0x1_FAFF => 1_600,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_and_shrink_until_they_fit() {
        let short = fit(&["Aisyah".to_owned()], 8_800, 5_000, 500);
        assert_eq!(short, FittedText { size: 500, lines: vec!["Aisyah".to_owned()] });
        let text = "Lot 5 Jalan Merdeka ".repeat(10);
        let fitted = fit(&[text.clone(), "50450".to_owned()], 8_800, 2_000, 500);
        assert!(fitted.size < 500 && fitted.lines.len() > 3, "{fitted:?}");
        assert_eq!(fitted.lines.join(" "), format!("{}50450", text));
        assert!(fitted.lines.len() * 125 * usize::try_from(fitted.size).unwrap() / 100 <= 2_000);
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken_and_keeps_its_marks() {
        for letters in ["W".repeat(200), "字".repeat(200), "ที่".repeat(60), "x".repeat(200)] {
            let fitted = fit(std::slice::from_ref(&letters), 8_800, 5_800, 500);
            assert_eq!(fitted.lines.concat(), letters);
            for line in &fitted.lines {
                assert!(line.chars().map(width_of).sum::<u32>() * fitted.size <= 8_800 * 1_000);
                assert!(width_of(line.chars().next().unwrap()) > 0, "{line:?}");
            }
        }
    }

    #[test]
    fn a_line_of_unknown_letters_is_squeezed_where_it_might_leave_its_room() {
        assert_eq!(squeezed("Jalan 7 ภาษาไทย 字 ஔஔஔ", 5_000, 100), None, "measured");
        assert_eq!(squeezed("𞤀𞤀", 500, 8_800), None, "short");
        assert_eq!(squeezed(&"𞤀".repeat(10), 500, 8_800), Some(8_000));
        assert_eq!(squeezed(&"𞤀".repeat(20), 500, 8_800), Some(8_800));
    }

    #[test]
    fn wide_letters_are_taken_for_wide() {
        // As DejaVu Sans and Noto Sans draw them.
        for (letter, width) in [
            ('ஔ', 2_050),
            ('ஞ', 1_500),
            ('ௌ', 2_150),
            ('﷽', 7_220),
            ('⸻', 2_840),
            ('𒐫', 4_640),
            ('Ж', 1_077),
            ('Ǆ', 1_420),
            ('!', 401),
            ('^', 838),
            ('ณ', 910),
            ('ൈ', 1_680),
            ('ဪ', 2_450),
            ('ﶫ', 2_320),
        ] {
            assert!(width_of(letter) >= width, "{letter}");
        }
    }

    #[test]
    fn nothing_is_no_line() {
        assert_eq!(fit(&[String::new(), " ".to_owned()], 100, 100, 500).lines, Vec::<String>::new());
    }
}
