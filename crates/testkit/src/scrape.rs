//! Metrics as Prometheus reads them.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What a process shows.
#[derive(Debug, Clone)]
pub struct Scrape(String);

impl Scrape {
    /// Asks for `/metrics`.
    pub async fn of(address: SocketAddr) -> Self {
        let (head, body) = get(address, "/metrics").await;
        assert!(head.contains(" 200 ") && head.contains("openmetrics"), "{head}");
        assert!(body.ends_with("# EOF\n"), "it was cut off: {body}");
        Self(body)
    }

    /// The names by which queries know the metrics: of counters with `_total`, of infos with `_info`.
    pub fn names(&self) -> BTreeSet<String> {
        let described = self.0.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        let known = |(name, kind): (&str, &str)| match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        };
        let names: Vec<String> = described.map(known).collect();
        let set: BTreeSet<String> = names.iter().cloned().collect();
        assert_eq!(set.len(), names.len(), "a metric is described twice: {names:?}");
        set
    }

    /// The sum of the series of `name` that have all of these labels; `None` when there are none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let value = |line: &str| {
            let rest = line.strip_prefix(name)?;
            let fits = rest.starts_with(['{', ' ']) && labels.iter().all(|label| rest.contains(label));
            fits.then(|| rest.rsplit_once(' ').expect("a series has a value").1.parse::<f64>())
        };
        let values: Result<Vec<f64>, _> = self.0.lines().filter_map(value).collect();
        let values = values.expect("a value is a number");
        (!values.is_empty()).then(|| values.into_iter().sum())
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// A plain HTTP GET: the head and the body of the answer.
pub async fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.expect("metrics are served");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer comes");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    (head.to_owned(), body.to_owned())
}
