//! What is wrong, told all at once.

use std::fmt;

/// How alike a name must be to be meant, from 0 to 1.
const ALIKE_MIN: f64 = 0.6;

/// What is wrong with the settings: a sentence each, which names the setting and what is allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct SettingErrors(pub Vec<String>);

impl fmt::Display for SettingErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => f.write_str(one),
            several => {
                write!(f, "{} settings are wrong:", several.len())?;
                several.iter().try_for_each(|one| write!(f, "\n  {one}"))
            }
        }
    }
}

impl SettingErrors {
    /// What was to be, if nothing is wrong.
    pub fn none_or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

/// `; did you mean X?`, if a known name begins with this one, or is like it. `prefix` is what all begin with: it makes none
/// alike, and both are given without it.
pub(crate) fn suggestion<'a>(
    prefix: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let alike = |known: &str| strsim::normalized_damerau_levenshtein(name, known);
    let longer = known.clone().find(|known| known.starts_with(name));
    let like =
        || known.filter(|known| alike(known) >= ALIKE_MIN).max_by(|a, b| alike(a).total_cmp(&alike(b)));
    longer.or_else(like).map_or_else(String::new, |known| format!("; did you mean {prefix}{known}?"))
}

/// A text as it may be told: the password of a URL is not, nor what would be one if the URL were right.
pub fn without_password(text: &str) -> String {
    let (scheme, rest) = match text.find("://") {
        Some(end) => text.split_at(end + "://".len()),
        None => ("", text),
    };
    let mut told = match rest.rsplit_once('@') {
        Some((user, place)) if user.contains(':') => {
            let name = user.split_once(':').map_or(user, |(name, _)| name);
            format!("{scheme}{name}:…@{place}")
        }
        _ => text.to_owned(),
    };
    // Whatever stands there: a password may, under a name that is mistyped.
    if let Some(query) = told.find("?").filter(|_| !scheme.is_empty()) {
        told.truncate(query + 1);
        told.push('…');
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_like_it_is_offered_and_one_unlike_it_is_not() {
        let known = ["DATA", "DATABASE_URL", "KAFKA_BROKERS", "KAFKA_PARTITIONS"];
        let meant = |name| suggestion("", name, known.into_iter());
        assert_eq!(meant("DATABASE"), "; did you mean DATABASE_URL?");
        assert_eq!(meant("KAFKA"), "; did you mean KAFKA_BROKERS?");
        assert_eq!(meant("KAFKA_PARTITONS"), "; did you mean KAFKA_PARTITIONS?");
        assert_eq!(meant("ZOO"), "");
    }

    #[test]
    fn a_url_is_told_without_its_password() {
        assert_eq!(without_password("postgres://a:p@ss:w@db/x"), "postgres://a:…@db/x");
        assert_eq!(without_password("postgres://a@db/x?pasword=s3cret"), "postgres://a@db/x?…");
        assert_eq!(without_password("postgres:/a:s3cret@db/x"), "postgres:…@db/x");
        assert_eq!(without_password("a:s3cret@db/x"), "a:…@db/x");
        for text in ["postgres://a@db/x", "http://order:50052", "kafka:9092"] {
            assert_eq!(without_password(text), text);
        }
    }

    #[test]
    fn all_is_told_at_once() {
        let wrong = |problems: &[&str]| SettingErrors(problems.iter().map(|one| (*one).to_owned()).collect());
        assert_eq!(wrong(&["one"]).to_string(), "one");
        assert_eq!(wrong(&["one", "two"]).to_string(), "2 settings are wrong:\n  one\n  two");
        assert_eq!(wrong(&[]).none_or(1), Ok(1));
    }
}
