//! What databases were asked, as they count it themselves or as a hub's metrics show it.

use anyhow::{Context as _, Result, bail};
use std::iter::Sum;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fleet::Fleet;

/// Of all databases of what is measured.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counters {
    pub(super) commits: u64,
    pub(super) statements: u64,
}

impl Counters {
    /// As the metrics of all processes now show them.
    pub(super) async fn shown(fleet: &Fleet) -> Result<Self> {
        let mut all = Self::default();
        for post in fleet.processes() {
            let text = scrape(post.metrics).await.with_context(|| format!("the metrics of {}", post.name))?;
            all.commits += sum(&text, "entrepot_db_commits_total")?;
            all.statements += sum(&text, "entrepot_db_statements_total")?;
        }
        Ok(all)
    }

    /// What was counted since.
    pub(super) fn since(self, before: &Self) -> Self {
        Self {
            commits: self.commits.saturating_sub(before.commits),
            statements: self.statements.saturating_sub(before.statements),
        }
    }
}

impl From<db::Statistics> for Counters {
    fn from(statistics: db::Statistics) -> Self {
        Self { commits: statistics.commits, statements: statistics.statements }
    }
}

impl Sum for Counters {
    fn sum<I: Iterator<Item = Self>>(counters: I) -> Self {
        counters.fold(Self::default(), |all, one| Self {
            commits: all.commits + one.commits,
            statements: all.statements + one.statements,
        })
    }
}

/// The old protocol sends the text in one piece.
async fn scrape(address: SocketAddr) -> Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await?;
    let mut text = String::new();
    connection.read_to_string(&mut text).await?;
    Ok(text)
}

/// A counter's value over all of its labels.
fn sum(text: &str, counter: &str) -> Result<u64> {
    let mut values = text
        .lines()
        .filter_map(|line| line.strip_prefix(counter))
        .filter(|rest| rest.starts_with(['{', ' ']))
        .filter_map(|rest| rest.rsplit(' ').next())
        .peekable();
    if values.peek().is_none() {
        bail!("they do not have {counter}");
    }
    values.map(|value| value.parse::<u64>().with_context(|| format!("{counter} is {value}"))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_summed_over_its_labels() {
        let text = "# TYPE a counter\na_total{service=\"order\"} 3\na_total{service=\"x\"} 4\na_total_b 9\n";
        assert_eq!(sum(text, "a_total").unwrap(), 7);
        assert!(sum(text, "b_total").unwrap_err().to_string().contains("b_total"));
    }
}
