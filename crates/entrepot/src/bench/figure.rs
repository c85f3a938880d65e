//! A number that was measured, in thousandths: it is shown with three digits or a few more, and read back from a table.

use std::fmt;

/// Thousandths of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Figure(u64);

impl Figure {
    /// So many thousandths.
    pub(super) fn of_thousandths(thousandths: u64) -> Self {
        Self(thousandths)
    }

    /// How many thousandths come to each of `count`; none where there are none.
    pub(super) fn per(thousandths: u64, count: u64) -> Self {
        Self(thousandths.checked_div(count).unwrap_or_default())
    }

    /// How many times `other` it is.
    pub(super) fn times(self, other: Self) -> Option<Self> {
        self.0.saturating_mul(1_000).checked_div(other.0).map(Self)
    }

    /// The one in the middle, or between the two that are.
    pub(super) fn median(mut figures: Vec<Self>) -> Option<Self> {
        figures.sort_unstable();
        let above = *figures.get(figures.len() / 2)?;
        let below = figures[(figures.len() - 1) / 2];
        Some(Self(below.0.midpoint(above.0)))
    }

    /// What a cell of a table says: `12.3`, or what several counts add up to, as in `3 Unavailable, 2 Aborted`.
    pub(super) fn read(cell: &str) -> Option<Self> {
        let counts = cell.split(", ").map(|count| read_one(count.split(' ').next()?));
        counts.sum::<Option<u64>>().map(Self)
    }
}

fn read_one(number: &str) -> Option<u64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let part = format!("{part:0<3}");
    let thousandths: u64 = part.get(..3)?.parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(thousandths)
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1_000, self.0 % 1_000);
        match whole {
            0 => write!(f, "{whole}.{part:03}"),
            1..=9 => write!(f, "{whole}.{:02}", part / 10),
            _ => write!(f, "{whole}.{}", part / 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cell: &str) -> Figure {
        Figure::read(cell).unwrap()
    }

    #[test]
    fn three_digits_are_shown() {
        let shown = [7, 12_345, 1_239, 0].map(|thousandths| Figure(thousandths).to_string());
        assert_eq!(shown, ["0.007", "12.3", "1.23", "0.000"]);
        assert_eq!((Figure::per(10, 0), Figure::per(10, 3)), (Figure(0), Figure(3)));
    }

    #[test]
    fn a_cell_is_read() {
        assert_eq!((read("12.3"), read("0.007"), read("17")), (Figure(12_300), Figure(7), Figure(17_000)));
        assert_eq!(read("3 Unavailable, 2 Aborted"), Figure(5_000));
        assert_eq!((Figure::read("-"), Figure::read("16 x.y, z"), Figure::read("")), (None, None, None));
    }

    #[test]
    fn a_median_is_the_one_in_the_middle() {
        let median = |figures: &[u64]| Figure::median(figures.iter().copied().map(Figure).collect());
        assert_eq!(median(&[9, 1, 5]), Some(Figure(5)));
        assert_eq!(median(&[9, 1, 5, 7]), Some(Figure(6)));
        assert_eq!((median(&[4]), median(&[])), (Some(Figure(4)), None));
    }

    #[test]
    fn a_ratio_is_of_the_first_to_the_second() {
        assert_eq!(read("30").times(read("12")), Some(read("2.5")));
        assert_eq!(read("30").times(read("0")), None);
    }
}
