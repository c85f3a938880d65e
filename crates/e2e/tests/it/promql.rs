//! Reads PromQL as far as dashboards and alerts speak it, and follows the labels through it: an expression that selects,
//! groups or matches by what no series has is an error. The parsers that can be had bring a generator of parsers and
//! make the rest be built twice; `cargo xtask dashboards` has Prometheus itself read the same expressions.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::vec::IntoIter;

pub(crate) type Labels = BTreeSet<String>;
/// Series by their metric's name.
pub(crate) type Shown = BTreeMap<String, Vec<BTreeMap<String, String>>>;

/// What an expression comes to.
#[derive(Debug, PartialEq)]
pub(crate) struct Read {
    /// The labels of its result; `None`: it is a number.
    pub(crate) labels: Option<Labels>,
    /// The metrics it selects.
    pub(crate) metrics: BTreeSet<String>,
}

/// Reads an expression about what is shown.
pub(crate) fn read(text: &str, shown: &Shown) -> Result<Read, String> {
    let mut reader = Reader { tokens: tokens(text)?.into_iter().peekable(), shown, metrics: BTreeSet::new() };
    let labels = reader.expression(0)?;
    match reader.tokens.next() {
        None => Ok(Read { labels, metrics: reader.metrics }),
        Some(token) => Err(format!("{token:?} stands where the end should")),
    }
}

/// The series of a text that Prometheus scrapes, with these labels of the target besides.
pub(crate) fn series(text: &str, target: &[(&str, &str)]) -> Shown {
    let mut shown = Shown::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let end = line.rfind('}').map_or_else(|| line.find(' ').unwrap(), |end| end + 1);
        let mut reader = Reader {
            tokens: tokens(&line[..end]).unwrap().into_iter().peekable(),
            shown: &Shown::new(),
            metrics: BTreeSet::new(),
        };
        let name = reader.word().unwrap();
        let own = reader.matchers().unwrap().into_iter().map(|matcher| (matcher.label, matcher.value));
        let target = target.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned()));
        shown.entry(name).or_default().push(own.chain(target).collect());
    }
    shown
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(String),
    Sign(String),
}

const SIGNS: [&str; 20] = [
    "=~", "!~", "!=", "==", ">=", "<=", "=", ">", "<", "+", "-", "*", "/", "(", ")", "{", "}", "[", "]", ",",
];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let until = |end: fn(char) -> bool| rest.find(end).unwrap_or(rest.len());
        let (token, length) = if first == '"' {
            let end = rest[1..].find('"').ok_or("a string without an end")?;
            (Token::Text(rest[1..=end].to_owned()), end + 2)
        } else if first.is_ascii_digit() {
            let end = until(|c| !(c.is_ascii_alphanumeric() || ".:".contains(c)));
            (Token::Number(rest[..end].to_owned()), end)
        } else if first.is_alphabetic() || first == '_' {
            let end = until(|c| !(c.is_ascii_alphanumeric() || c == '_'));
            (Token::Word(rest[..end].to_owned()), end)
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.ok_or_else(|| format!("{first:?} is no PromQL that is known here"))?;
            (Token::Sign((*sign).to_owned()), sign.len())
        };
        found.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

struct Reader<'a> {
    tokens: Peekable<IntoIter<Token>>,
    shown: &'a Shown,
    metrics: BTreeSet<String>,
}

struct Matcher {
    label: String,
    sign: String,
    value: String,
}

impl Matcher {
    /// The values that it names: whole ones, or how they begin, with `.*` behind.
    fn values(&self) -> Vec<&str> {
        if self.sign.ends_with('~') { self.value.split('|').collect() } else { vec![&self.value] }
    }

    fn fits(&self, value: &str) -> bool {
        let named = |named: &&str| match named.strip_suffix(".*") {
            Some(beginning) => value.starts_with(beginning),
            None => value == *named,
        };
        self.values().iter().any(named) != self.sign.starts_with('!')
    }
}

const AGGREGATIONS: [&str; 5] = ["sum", "max", "min", "count", "topk"];
const FUNCTIONS: [&str; 11] = [
    "abs",
    "absent",
    "changes",
    "clamp_min",
    "count_over_time",
    "deriv",
    "histogram_quantile",
    "increase",
    "rate",
    "vector",
    "time",
];
/// From the loosest to the tightest.
const OPERATORS: [&[&str]; 5] =
    [&["or"], &["and", "unless"], &["==", "!=", ">", "<", ">=", "<="], &["+", "-"], &["*", "/"]];

impl Reader<'_> {
    /// One whose operators bind at least so tightly.
    fn expression(&mut self, tightness: usize) -> Result<Option<Labels>, String> {
        let mut left = self.operand()?;
        while let Some((found, operator)) = self.operator(tightness) {
            let on = self.labels_after(&["on"])?;
            let ignoring = self.labels_after(&["ignoring"])?;
            let grouped = self.labels_after(&["group_left"])?;
            let right = self.expression(found + 1)?;
            left = joined(left, right, &operator, on, ignoring, grouped)?;
        }
        Ok(left)
    }

    fn operator(&mut self, tightness: usize) -> Option<(usize, String)> {
        let (Some(Token::Word(next)) | Some(Token::Sign(next))) = self.tokens.peek().cloned() else {
            return None;
        };
        let found = OPERATORS.iter().position(|operators| operators.contains(&next.as_str()))?;
        (found >= tightness).then(|| {
            self.tokens.next();
            (found, next)
        })
    }

    fn operand(&mut self) -> Result<Option<Labels>, String> {
        let labels = match self.tokens.next() {
            Some(Token::Number(_)) => None,
            Some(Token::Sign(sign)) if sign == "(" => {
                let inner = self.expression(0)?;
                self.sign(")")?;
                inner
            }
            Some(Token::Word(word)) if AGGREGATIONS.contains(&word.as_str()) => self.aggregation(&word)?,
            Some(Token::Word(word)) if FUNCTIONS.contains(&word.as_str()) => self.function(&word)?,
            Some(Token::Word(word)) => self.selector(&word)?,
            other => return Err(format!("{other:?} stands where a value should")),
        };
        // A range, or how a subquery looks back, changes no label.
        if self.is_next("[") {
            while self.tokens.next().is_some_and(|token| token != Token::Sign("]".to_owned())) {}
        }
        Ok(labels)
    }

    fn aggregation(&mut self, word: &str) -> Result<Option<Labels>, String> {
        let by = self.labels_after(&["by"])?;
        let inner = self.arguments()?.pop().flatten().ok_or_else(|| format!("{word} of no series"))?;
        let by = match by {
            None if word == "topk" => inner.clone(),
            by => by.unwrap_or_default(),
        };
        all_of(&by, &inner, "it groups")?;
        Ok(Some(by))
    }

    fn function(&mut self, word: &str) -> Result<Option<Labels>, String> {
        let labels = self.arguments()?.into_iter().flatten().next();
        if matches!(word, "absent" | "vector") {
            return Ok(Some(Labels::new()));
        }
        let Some(mut labels) = labels else { return Ok(None) };
        if word == "histogram_quantile" && !labels.remove("le") {
            return Err("a quantile of series without `le`".to_owned());
        }
        Ok(Some(labels))
    }

    fn arguments(&mut self) -> Result<Vec<Option<Labels>>, String> {
        self.sign("(")?;
        let mut arguments = vec![self.expression(0)?];
        while self.took(",") {
            arguments.push(self.expression(0)?);
        }
        self.sign(")")?;
        Ok(arguments)
    }

    fn selector(&mut self, name: &str) -> Result<Option<Labels>, String> {
        let series = self.shown.get(name).ok_or_else(|| format!("no metric is called {name}"))?;
        self.metrics.insert(name.to_owned());
        let labels: Labels = series.iter().flat_map(BTreeMap::keys).cloned().collect();
        let matchers = self.matchers()?;
        for matcher in &matchers {
            let Matcher { label, sign, value } = matcher;
            if !labels.contains(label) {
                return Err(format!("{name} has no label {label}"));
            }
            // Calls that fail are not to be had from a hub that is well: gRPC names their codes.
            let fits = |named: &str| {
                let one = Matcher { label: String::new(), sign: "=~".to_owned(), value: named.to_owned() };
                series.iter().any(|series| series.get(label).is_some_and(|value| one.fits(value)))
            };
            if let Some(named) = matcher.values().into_iter().find(|named| label != "code" && !fits(named)) {
                return Err(format!("no series of {name} fits {named} in {label}{sign}{value:?}"));
            }
        }
        let fits = |series: &BTreeMap<String, String>| {
            let those = matchers.iter().filter(|matcher| matcher.label != "code");
            those
                .into_iter()
                .all(|matcher| matcher.fits(series.get(&matcher.label).map_or("", String::as_str)))
        };
        if !series.iter().any(fits) {
            return Err(format!("no series of {name} fits all that is asked of it"));
        }
        Ok(Some(labels))
    }

    fn matchers(&mut self) -> Result<Vec<Matcher>, String> {
        let mut matchers = Vec::new();
        if !self.took("{") {
            return Ok(matchers);
        }
        while !self.took("}") {
            let label = self.word()?;
            let Some(Token::Sign(sign)) = self.tokens.next() else { return Err(format!("{label} is what?")) };
            let Some(Token::Text(value)) = self.tokens.next() else {
                return Err(format!("{label}{sign} what?"));
            };
            matchers.push(Matcher { label, sign, value });
            self.took(",");
        }
        Ok(matchers)
    }

    /// `by (state, hub)`, if it stands here.
    fn labels_after(&mut self, words: &[&str]) -> Result<Option<Labels>, String> {
        if !matches!(self.tokens.peek(), Some(Token::Word(word)) if words.contains(&word.as_str())) {
            return Ok(None);
        }
        self.tokens.next();
        self.sign("(")?;
        let mut labels = Labels::new();
        while !self.took(")") {
            labels.insert(self.word()?);
            self.took(",");
        }
        Ok(Some(labels))
    }

    fn word(&mut self) -> Result<String, String> {
        match self.tokens.next() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(format!("{other:?} stands where a name should")),
        }
    }

    fn is_next(&mut self, sign: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token::Sign(next)) if next == sign)
    }

    fn took(&mut self, sign: &str) -> bool {
        self.is_next(sign) && self.tokens.next().is_some()
    }

    fn sign(&mut self, sign: &str) -> Result<(), String> {
        if self.took(sign) {
            Ok(())
        } else {
            Err(format!("{:?} stands where {sign} should", self.tokens.peek()))
        }
    }
}

fn all_of(wanted: &Labels, there: &Labels, what: &str) -> Result<(), String> {
    match wanted.difference(there).next() {
        Some(label) => Err(format!("{what} by {label}, which nothing there has: {there:?}")),
        None => Ok(()),
    }
}

/// The labels of two operands' result.
fn joined(
    left: Option<Labels>,
    right: Option<Labels>,
    operator: &str,
    on: Option<Labels>,
    ignoring: Option<Labels>,
    grouped: Option<Labels>,
) -> Result<Option<Labels>, String> {
    let (left, right) = match (left, right) {
        (Some(left), Some(right)) => (left, right),
        (left, right) => return Ok(left.or(right)),
    };
    if let Some(on) = &on {
        all_of(on, &left, "it matches")?;
        all_of(on, &right, "it matches")?;
    }
    if operator == "or" {
        return Ok(Some(left.intersection(&right).cloned().collect()));
    }
    let ignored = ignoring.clone().unwrap_or_default();
    let rest = |side: &Labels| -> Labels { side.difference(&ignored).cloned().collect() };
    if on.is_none() && rest(&left) != rest(&right) {
        return Err(format!("series with {left:?} never match series with {right:?}"));
    }
    Ok(Some(match (grouped, on, ignoring) {
        (Some(grouped), ..) => left.union(&grouped).cloned().collect(),
        _ if matches!(operator, "and" | "unless") => left,
        (None, Some(on), _) => on,
        (None, None, _) => rest(&left),
    }))
}

/// Series to read about.
fn few() -> Shown {
    let text = "a{hub=\"my\",state=\"open\"} 1\na{hub=\"th\",state=\"done\"} 2\nb{hub=\"my\"} 3.5\n\
                c_bucket{hub=\"my\",le=\"1.0\",code=\"OK\"} 4\n# EOF\nd 5\n";
    series(text, &[("job", "entrepot")])
}

fn labels(text: &str) -> Option<Vec<String>> {
    read(text, &few())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .labels
        .map(|labels| labels.into_iter().collect())
}

#[test]
fn labels_are_followed() {
    for (text, expected) in [
        ("a", &["hub", "job", "state"][..]),
        ("d", &["job"]),
        ("sum(a)", &[]),
        ("sum by (hub) (max by (hub, state) (a{state!~\"done.*\"} or a))", &["hub"]),
        ("60 * rate(a{hub=~\"my|th\"}[5m]) > 1", &["hub", "job", "state"]),
        ("histogram_quantile(0.9, sum by (hub, le) (rate(c_bucket{code!=\"OK\"}[5m])))", &["hub"]),
        ("a / ignoring (state) b", &["hub", "job"]),
        ("a * on (hub) group_left () b", &["hub", "job", "state"]),
        ("sum by (hub) (a) + sum by (hub) (b) and on (hub) b", &["hub"]),
        ("deriv(sum by (state) (a)[5m:15s])", &["state"]),
        ("count(a) or vector(0)", &[]),
    ] {
        assert_eq!(labels(text).unwrap(), expected, "{text}");
    }
    assert_eq!(labels("1 + 2"), None);
}

#[test]
fn what_nothing_has_is_an_error() {
    for (text, expected) in [
        ("e", "no metric is called e"),
        ("b{state=\"open\"}", "b has no label state"),
        ("a{state=\"closed\"}", "no series of a fits closed"),
        ("a{state=~\"open|closed\"}", "no series of a fits closed"),
        ("a{hub=\"th\", state=\"open\"}", "no series of a fits all"),
        ("sum by (state) (b)", "it groups by state"),
        ("sum by (state) (sum by (hub) (a))", "it groups by state"),
        ("a / b", "never match"),
        ("a * on (state) group_left () b", "it matches by state"),
        ("histogram_quantile(0.9, sum by (hub) (c_bucket))", "without `le`"),
        ("sum by (hub) (a", "where ) should"),
        ("a b", "where the end should"),
        ("a % b", "no PromQL that is known here"),
    ] {
        let error = read(text, &few()).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}
