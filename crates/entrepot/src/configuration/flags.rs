//! Settings on the command line: each command has the flags of those that it is about.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use settings::{Environment, Setting, SettingErrors, Sources, ValueKind};

use super::declared::{all, others};

const HUB: &[&str] = &["hub", "data"];
const LISTENERS: &[&str] = &["public", "internal", "metrics"];
const ENGINES: &[&str] = &["shape", "database.url", "database.password", "kafka.brokers"];
/// Where the keys are of a process that serves.
const KEYS: &[&str] = &["keys.issuer", "keys.service", "keys.jwks"];
const INSTANCE: &[&str] = &["instance"];
const ADMIN: &[&str] = &["admin.url", "admin.password"];
/// All of the section.
const PEERS: &[&str] = &["peers."];
const TRACES: &[&str] = &["traces.url", "traces.one_in"];
/// What every command has.
const LOG: &[&str] = &["log", "log_json"];
/// The file of all others, which is no setting.
const CONFIG: &str = "config";

/// Commands, and the settings that they have flags of.
const OF: &[(&[&str], &[&[&str]])] = &[
    (&["up"], &[HUB, LISTENERS, ENGINES, INSTANCE, TRACES]),
    (&["serve"], &[HUB, KEYS, LISTENERS, ENGINES, INSTANCE, PEERS, TRACES]),
    (&["migrate"], &[&["hub", "database.url", "database.password"], ADMIN]),
    (&["adopt"], &[HUB, ENGINES]),
    (&["demo"], &[&["data", "public", "internal"], ENGINES, INSTANCE]),
    (&["replay"], &[HUB, ENGINES, INSTANCE]),
    (&["import", "products"], &[HUB, ENGINES, INSTANCE]),
    (&["prove"], &[ENGINES, ADMIN]),
    (&["bench"], &[ENGINES, ADMIN]),
    (&["token"], &[HUB, &["keys.issuer"]]),
    (&["keys", "make"], &[HUB, KEYS]),
    (&["keys", "list"], &[HUB, KEYS]),
    (&["keys", "publish"], &[HUB, KEYS]),
    (&["keys", "sign"], &[HUB, KEYS]),
    (&["keys", "withdraw"], &[HUB, KEYS]),
    (&["config"], &[HUB, KEYS, LISTENERS, ENGINES, INSTANCE, PEERS, ADMIN, TRACES]),
];

/// Adds the flags to the program's commands.
pub(crate) fn add_to(program: Command) -> Command {
    let file = Arg::new(CONFIG)
        .long(CONFIG)
        .global(true)
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("The configuration file; `entrepot config --template` prints one [env: ENTREPOT_CONFIG]");
    let program = program.arg(file).args(args(LOG.iter().copied()).map(|arg| arg.global(true)));
    OF.iter().fold(program, |program, (path, keys)| {
        add_at(program, path, args(keys.iter().flat_map(|keys| keys.iter().copied())).collect())
    })
}

fn add_at(command: Command, path: &[&'static str], args: Vec<Arg>) -> Command {
    match path.split_first() {
        None => command.args(args),
        Some((name, rest)) => command.mut_subcommand(*name, |command| add_at(command, rest, args)),
    }
}

/// The flags of these settings; those that share one have it once.
fn args(keys: impl Iterator<Item = &'static str>) -> impl Iterator<Item = Arg> {
    let mut known: Vec<&str> = Vec::new();
    let all = all();
    keys.filter_map(move |key| {
        let setting = all.iter().find(|setting| is_of(key, setting))?;
        let flag = setting.flag.filter(|flag| !known.contains(&flag.long))?;
        known.push(flag.long);
        Some(arg(setting, flag, &all))
    })
}

/// Whether the key names the setting, or the section that it is in.
fn is_of(key: &str, setting: &Setting) -> bool {
    setting.key == key || (key.ends_with('.') && setting.key.starts_with(key))
}

fn arg(setting: &'static Setting, flag: settings::Flag, all: &[&'static Setting]) -> Arg {
    let variable = if setting.secret { format!("{}_FILE", setting.variable()) } else { setting.variable() };
    let default = setting.default.map(|default| format!(" [default: {default}]")).unwrap_or_default();
    let formerly = setting.formerly.iter().filter(|key| !key.contains('.'));
    let arg = Arg::new(flag.long).long(flag.long).value_name(flag.value).aliases(formerly.copied());
    if !flag.before.is_empty() {
        let shared = all.iter().filter_map(|setting| setting.flag).filter(|other| other.long == flag.long);
        let befores: Vec<&str> = shared.map(|flag| flag.before).collect();
        return arg
            .value_name("SERVICE=URL")
            .action(ArgAction::Append)
            .value_delimiter(',')
            .value_parser(move |text: &str| {
                let is_known = befores.iter().any(|before| text.starts_with(before));
                let known = || format!("must begin with {}", befores.join(" or "));
                if is_known { Ok(text.to_owned()) } else { Err(known()) }
            })
            .help(format!("{} [env: ENTREPOT_PEERS_CATALOG and so on]", setting.about));
    }
    let action = match setting.kind {
        ValueKind::Switch => ArgAction::SetTrue,
        ValueKind::List(_) => ArgAction::Append,
        _ => ArgAction::Set,
    };
    arg.action(action).help(format!("{} [env: {variable}]{default}", setting.about))
}

/// All settings given to this process: on its command line, in its environment and in its file.
pub(crate) fn sources(matches: &ArgMatches) -> Result<Sources, SettingErrors> {
    let (mut path, mut at) = (Vec::new(), matches);
    while let Some((name, below)) = at.subcommand() {
        path.push(name);
        at = below;
    }
    let of = OF.iter().find(|(of, _)| *of == path).map_or(&[][..], |(_, keys)| *keys);
    let has = |setting: &&Setting| {
        of.iter().any(|keys| keys.iter().any(|key| is_of(key, setting))) || LOG.contains(&setting.key)
    };
    let command_line =
        all().into_iter().filter(has).filter_map(|setting| Some((setting, told(at, setting)?)));
    Ok(Sources {
        command_line: command_line.collect(),
        environment: Environment::of_process(others())?,
        file: at.get_one::<PathBuf>(CONFIG).cloned(),
    })
}

/// What stands behind a setting's flag, if it is there.
fn told(matches: &ArgMatches, setting: &Setting) -> Option<Vec<String>> {
    let flag = setting.flag?;
    if matches.value_source(flag.long) != Some(ValueSource::CommandLine) {
        return None;
    }
    if matches!(setting.kind, ValueKind::Switch) {
        return Some(vec![matches.get_flag(flag.long).to_string()]);
    }
    let values = matches.get_many::<String>(flag.long)?;
    let values: Vec<String> =
        values.filter_map(|value| value.strip_prefix(flag.before)).map(str::to_owned).collect();
    (!values.is_empty()).then_some(values)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn told(line: &[&str]) -> Vec<(&'static str, String)> {
        let line = ["entrepot"].iter().chain(line);
        let matches = add_to(crate::Cli::command()).try_get_matches_from(line).unwrap();
        let told = sources(&matches).unwrap().command_line;
        told.into_iter().map(|(setting, values)| (setting.key, values.join(","))).collect()
    }

    #[test]
    fn every_flag_is_taken_to_its_setting() {
        let line = "config --hub my --hub th --data d --issuer-key k --service-key sk --jwks j --public p --internal i --metrics m --shape s --database u \
                    --database-password-file f --kafka b --instance n --admin a --admin-password-file g --log l \
                    --log-json --traces t --traces-one-in o --peer catalog=1,payment=2 --peer logistics=3 --peer catalog=4";
        let told = told(&line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>());
        let with_flag: Vec<&str> =
            all().into_iter().filter(|setting| setting.flag.is_some()).map(|setting| setting.key).collect();
        assert_eq!(told.iter().map(|(key, _)| *key).collect::<Vec<_>>(), with_flag);
        let of = |key| told.iter().find(|(told, _)| *told == key).unwrap().1.as_str();
        assert_eq!((of("hub"), of("peers.catalog"), of("log_json")), ("my,th", "1,4", "true"));
        assert_eq!((of("database.password"), of("kafka.brokers")), ("f", "b"));
    }

    #[test]
    fn a_command_has_its_own_alone_and_what_is_left_out_is_not_told() {
        assert_eq!(told(&["up"]), []);
        assert_eq!(told(&["prove", "--data", "d"]), []);
        assert_eq!(
            told(&["--log", "info", "import", "products", "f.csv", "--hub", "th"]),
            [("hub", "th".to_owned()), ("log", "info".to_owned())]
        );
        let command = || add_to(crate::Cli::command());
        assert!(command().try_get_matches_from(["entrepot", "up", "--admin", "a"]).is_err());
        let peer = ["entrepot", "serve", "order", "--peer", "orders=http://o:1"];
        assert!(
            command().try_get_matches_from(peer).unwrap_err().to_string().contains("catalog= or payment=")
        );
    }
}
