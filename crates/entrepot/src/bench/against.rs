//! Two builds compared: A is the other one, B is this. They are run in the order A B B A, so that a machine that becomes
//! slower or faster meanwhile is unfair to neither. Each run is this program's `bench` in a process of its own, on
//! databases and topics of its own, and its table is read, as any build writes one.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::str::FromStr as _;

use anyhow::{Context as _, Result, bail};
use runtime::Settings;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tokio::process::Command;

use super::figure::Figure;
use super::table::Table;
use crate::configuration::{Configuration, Shape};
use crate::fleet::HUB;
use crate::{engines, migrate, profiles};

/// A round, by the builds' places.
const ROUND: [usize; 4] = [0, 1, 1, 0];
/// What they are called.
const NAMES: [&str; 2] = ["A", "B"];
/// Arguments that are for this process, with the value behind each.
const OWN: [&str; 2] = ["--against", "--rounds"];
/// The argument that names the databases.
const DATABASE: &str = "--database";
/// The scenario that a build measures which knows no other.
const FIRST_SCENARIO: &str = "purchase";
/// The database that a PostgreSQL server has by itself.
const SERVERS_OWN: &str = "postgres";
/// What stands where a build has no such row, or no number in it.
const NOTHING: &str = "-";

/// Runs the rounds, and shows the medians of both.
pub(super) async fn run(other: &Path, rounds: u32, configuration: &Configuration) -> Result<()> {
    let this = std::env::current_exe().context("finding this program")?;
    let builds = [other, this.as_path()];
    for (name, build) in NAMES.iter().zip(builds) {
        println!("{name}: {}", build.display());
    }
    let mut tables = [Vec::new(), Vec::new()];
    for round in 1..=rounds {
        for build in ROUND {
            eprintln!("round {round} of {rounds}: {}", NAMES[build]);
            let table = measured(builds[build], configuration).await;
            tables[build].push(table.with_context(|| format!("measuring {}", builds[build].display()))?);
        }
    }
    print!("{}", compared(&tables)?);
    Ok(())
}

/// What a build measures, on fresh ground.
async fn measured(build: &Path, configuration: &Configuration) -> Result<Table> {
    let databases = match configuration.process.shape {
        Shape::Embedded => None,
        Shape::Production => Some(FreshDatabases::make(configuration).await?),
    };
    let template = databases.as_ref().map(|databases| databases.template.as_str());
    let mut command = Command::new(build);
    command.args(passed_on(std::env::args_os().skip(1), template));
    // What it says of its progress is for whoever waits.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    // Whatever becomes of it, nothing is left behind.
    let output = command.output().await;
    if let Some(databases) = databases {
        databases.drop_all().await?;
    }
    let output = output.context("running it")?;
    if !output.status.success() {
        bail!("it failed: {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Table::read(&text).with_context(|| format!("there is no table in what it says:\n{text}"))
}

/// The arguments of this process for another build, which may know no scenarios yet.
fn passed_on(arguments: impl IntoIterator<Item = OsString>, database: Option<&str>) -> Vec<OsString> {
    let is_ours = |flag: &str| OWN.contains(&flag) || (flag == DATABASE && database.is_some());
    let mut passed = Vec::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        let (flag, value) = text.split_once('=').map_or((&*text, None), |(flag, value)| (flag, Some(value)));
        if is_ours(flag) {
            if value.is_none() {
                arguments.next();
            }
        } else if text != FIRST_SCENARIO {
            passed.push(argument);
        }
    }
    passed.extend(database.into_iter().flat_map(|database| [DATABASE.into(), database.into()]));
    passed
}

/// Databases for one run, dropped after it.
struct FreshDatabases {
    /// As `database.url` has them.
    template: String,
    /// The name of each service's, and who makes and drops it.
    databases: Vec<(String, PgConnectOptions)>,
}

impl FreshDatabases {
    /// Makes new ones, as the users that they belong to. With an administrator it only names them: then each run makes
    /// what is missing.
    async fn make(configuration: &Configuration) -> Result<Self> {
        let told = configuration.database.url.as_deref().context("database.url: is needed")?;
        let suffix = format!("_bench_{:08x}", fastrand::u32(..));
        let mut settings = Settings::embedded(profiles::profile(HUB)?, "");
        engines::databases(configuration, &mut settings, services::ALL)?;
        let admin = migrate::admin(configuration)?;
        let database = |url: &String| {
            let owner = PgConnectOptions::from_str(url).context("database.url")?;
            let name =
                format!("{}{suffix}", owner.get_database().context("database.url: names no database")?);
            let by = admin.as_deref().map(PgConnectOptions::from_str).transpose().context("admin.url")?;
            anyhow::Ok((name, by.unwrap_or_else(|| owner.database(SERVERS_OWN))))
        };
        let databases = settings.databases.values().map(database).collect::<Result<_>>()?;
        let fresh = Self { template: suffixed(told, &suffix), databases };
        if admin.is_none() {
            // Text is in the order of its bytes, as an administrator's are.
            let how = "template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'";
            let made = fresh.each(|name| format!("create database {name} {how}")).await;
            if let Err(error) = made {
                fresh.drop_all().await?;
                return Err(error.context(
                    "database.url: its users cannot make databases for each run; name an administrator by --admin",
                ));
            }
        }
        Ok(fresh)
    }

    async fn drop_all(&self) -> Result<()> {
        self.each(|name| format!("drop database if exists {name} with (force)"))
            .await
            .context("dropping databases")
    }

    async fn each(&self, statement: impl Fn(&str) -> String) -> Result<()> {
        for (name, by) in &self.databases {
            let quoted = format!("\"{}\"", name.replace('"', "\"\""));
            let mut connection = by.clone().disable_statement_logging().connect().await?;
            sqlx::raw_sql(AssertSqlSafe(statement(&quoted))).execute(&mut connection).await?;
            connection.close().await?;
        }
        Ok(())
    }
}

/// A URL of another database beside it.
fn suffixed(url: &str, suffix: &str) -> String {
    let (place, options) = url.split_at(url.find('?').unwrap_or(url.len()));
    format!("{place}{suffix}{options}")
}

/// The medians of each row, a block for each load.
fn compared(tables: &[Vec<Table>; 2]) -> Result<String> {
    let first = tables[1].first().context("nothing was measured")?;
    let mut others = tables.iter().flatten().filter(|table| table.columns != first.columns);
    if let Some(other) = others.next() {
        bail!(
            "the builds measure other loads unless told, {:?} and {:?}: say which by --buyers",
            other.columns,
            first.columns
        );
    }
    let mut text = String::new();
    for (column, load) in first.columns.iter().enumerate() {
        let mut block =
            Table::new(vec![format!("{load}: {}", NAMES[0]), NAMES[1].to_owned(), "B/A".to_owned()]);
        for (name, _) in &first.rows {
            let cells = |table: &Table| Figure::read(table.cell(name, column)?);
            let medians =
                tables.each_ref().map(|runs| Figure::median(runs.iter().filter_map(cells).collect()));
            let ratio = medians[1].zip(medians[0]).and_then(|(this, other)| this.times(other));
            let shown = |figure: Option<Figure>| {
                figure.map_or_else(|| NOTHING.to_owned(), |figure| figure.to_string())
            };
            block.row(name, [medians[0], medians[1], ratio].map(shown));
        }
        text.push_str(&format!("\n{block}"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(line: &str, database: Option<&str>) -> String {
        let passed = passed_on(line.split(' ').map(OsString::from), database);
        passed.iter().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn another_build_is_told_what_this_one_was() {
        let line = "bench purchase --against ../old --buyers 1,16 --rounds=3 --shape production --database postgres://x";
        assert_eq!(passed(line, None), "bench --buyers 1,16 --shape production --database postgres://x");
        let fresh = "bench --buyers 1,16 --shape production --database postgres://y";
        assert_eq!(passed(line, Some("postgres://y")), fresh);
        assert_eq!(passed("bench ledger --database=x", Some("y")), "bench ledger --database y");
    }

    #[test]
    fn a_fresh_database_stands_beside_the_one_that_is_named() {
        assert_eq!(suffixed("postgres://u@db/{hub}_{service}", "_1"), "postgres://u@db/{hub}_{service}_1");
        assert_eq!(
            suffixed("postgres://u@db/x?sslmode=disable", "_1"),
            "postgres://u@db/x_1?sslmode=disable"
        );
    }

    fn table(orders: &str, p50: &str) -> Table {
        let mut table = Table::new(vec!["16 buyers".to_owned()]);
        table.row("orders per second", [orders.to_owned()]);
        table.row("purchase p50, ms", [p50.to_owned()]);
        table.row("settled after, ms", ["-".to_owned()]);
        table
    }

    #[test]
    fn medians_and_their_ratio_are_shown() {
        let tables = [
            vec![table("100.0", "10.0"), table("120.0", "8.0")],
            vec![table("330.0", "-"), table("320.0", "4.5")],
        ];
        let text = compared(&tables).unwrap();
        let read = Table::read(&text).unwrap();
        assert_eq!(read.columns, ["16 buyers: A", "B", "B/A"]);
        let rows: Vec<String> =
            read.rows.iter().map(|(name, cells)| format!("{name}: {}", cells.join(" "))).collect();
        assert_eq!(
            rows,
            [
                "orders per second: 110.0 325.0 2.95",
                "purchase p50, ms: 9.00 4.50 0.500",
                "settled after, ms: - - -"
            ]
        );
    }
}
