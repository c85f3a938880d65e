//! Words into a box: as large as they fit, over as many lines as they need. Widths are estimates for a sans-serif font,
//! on the wide side: a line may end early, and does not leave the label.

/// Lines and their letters' size.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fitted {
    /// Hundredths of a millimetre.
    pub(super) size: u32,
    pub(super) lines: Vec<String>,
}

/// From one line to the next, in hundredths of the letters' size.
pub(super) const LEADING: u32 = 125;
/// The smallest letters, and by how much they shrink from try to try.
const SIZE_MIN: u32 = 100;
const STEP: u32 = 25;

/// The largest size at which the paragraphs fit into a box, each beginning a line. All in hundredths of a millimetre.
pub(super) fn fit(paragraphs: &[String], width: u32, height: u32, largest: u32) -> Fitted {
    let mut size = largest;
    loop {
        let lines: Vec<String> =
            paragraphs.iter().flat_map(|paragraph| wrap(paragraph, width * 1_000 / size)).collect();
        let count = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        if count.saturating_mul(size * LEADING / 100) <= height || size <= SIZE_MIN {
            return Fitted { size, lines };
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
    match letter {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 350,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '-' | '/' | 'I' => 430,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 1_000,
        'A'..='Z' | '&' | '#' | '+' | '=' | '<' | '>' | '~' => 850,
        '!'..='~' => 660,
        // Marks above and below, and what is not seen.
        '\u{300}'..='\u{36f}'
        | '\u{64b}'..='\u{65f}'
        | '\u{e31}'
        | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}'
        | '\u{eb1}'
        | '\u{eb4}'..='\u{ebc}'
        | '\u{ec8}'..='\u{ece}'
        | '\u{200b}'..='\u{200d}'
        | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{a0}'..='\u{24f}' | '\u{370}'..='\u{52f}' | '\u{e00}'..='\u{eff}' => 800,
        '\u{1f000}'..='\u{1faff}' => 1_400,
        _ => 1_050,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_and_shrink_until_they_fit() {
        let short = fit(&["Aisyah".to_owned()], 8_800, 5_000, 500);
        assert_eq!(short, Fitted { size: 500, lines: vec!["Aisyah".to_owned()] });
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
    fn nothing_is_no_line() {
        assert_eq!(fit(&[String::new(), " ".to_owned()], 100, 100, 500).lines, Vec::<String>::new());
    }
}
