//! A private Apache Kafka: one node in KRaft mode, from its jars, on free ports, with its data in a folder of its own.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use crate::server::{Kind, Server, free_port, keep, kept, state_file};
use crate::{command, wire};

/// The version that tests run against.
const VERSION: &str = "4.3.1";
/// The oldest Java that it runs on.
const JAVA_MIN: u32 = 17;
/// The cluster's id: sixteen bytes in base 64.
const CLUSTER: &str = "ZW50cmVwb3QtdGVzdC1rYQ";
/// How long it may take to start, and to end.
const START_MAX: Duration = Duration::from_secs(90);
const END_MAX: Duration = Duration::from_secs(30);
/// How long a connection to it may take.
const CONNECT_MAX: Duration = Duration::from_millis(100);
/// What its log says once it serves.
const STARTED: &str = "Kafka Server started";
/// How much of its log an error repeats, in lines.
const LOG_LINES: usize = 20;
/// A small heap, one collector thread and the first compiler: it starts in seconds beside a build.
const JVM: [&str; 5] = [
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
];

/// A broker of ours.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kafka {
    kind: Kind,
    folder: PathBuf,
    port: u16,
    wire: Wire,
    pid: u32,
}

/// A second way to the broker: it tells clients of the port where something between stands, which nobody listens on by
/// itself.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Wire {
    /// What clients are told.
    from: u16,
    /// Where the broker listens for them.
    to: u16,
}

impl Server for Kafka {
    const NAME: &'static str = "Kafka";
    const VARIABLE: &'static str = "ENTREPOT_TEST_KAFKA";

    fn up(kind: Kind) -> Result<Self> {
        match Self::known(kind)? {
            Some(known) if known.runs() => return Ok(known),
            Some(killed) => killed.remove()?,
            None => {}
        }
        let jars = jars()?;
        let folder = tempfile::Builder::new().prefix("entrepot-kafka-").tempdir()?.keep();
        let kafka = create(&jars, &folder, kind).inspect_err(|_| {
            // Nothing of a broker that never ran is worth keeping.
            let _ = std::fs::remove_dir_all(&folder);
        })?;
        keep("kafka", kind, &kafka)?;
        Ok(kafka)
    }

    fn known(kind: Kind) -> Result<Option<Self>> {
        kept("kafka", kind)
    }

    /// Whether the process is there, and is the one that was started: numbers of processes come again.
    fn runs(&self) -> bool {
        let command = std::fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&self.folder.display().to_string())
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn kill(&self) -> Result<()> {
        self.signal("KILL")?;
        self.is_over()
    }

    fn stop(&self) -> Result<()> {
        self.signal("TERM")?;
        self.is_over()
    }

    fn start_again(self) -> Result<()> {
        let pid = start(&jars()?, &self.folder, self.port)?;
        keep("kafka", self.kind, &Self { pid, ..self })
    }

    fn remove(&self) -> Result<()> {
        std::fs::remove_dir_all(&self.folder)?;
        std::fs::remove_file(state_file("kafka", self.kind)?)?;
        Ok(())
    }
}

impl Kafka {
    /// It gets no time.
    pub(crate) fn pause(&self) -> Result<()> {
        self.signal("STOP")
    }

    /// It goes on.
    pub(crate) fn unpause(&self) -> Result<()> {
        self.signal("CONT")
    }

    /// Lays a wire to it on which connections are not ended; as clients reach it there.
    pub(crate) fn by_wire(&self) -> Result<String> {
        wire::lay(self.wire.from, self.wire.to)?;
        Ok(format!("127.0.0.1:{}", self.wire.from))
    }

    fn signal(&self, signal: &str) -> Result<()> {
        command::output(Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.pid)])).map(|_| ())
    }

    fn is_over(&self) -> Result<()> {
        let ended = command::look_until(END_MAX, || Ok((!self.runs()).then_some(())))?;
        ended.with_context(|| format!("Kafka (process {}) did not end", self.pid))
    }
}

/// Kafka's Java, in the broker's folder.
fn java(jars: &Path, folder: &Path, main: &str) -> Command {
    let mut java = Command::new("java");
    java.args(JVM).arg("-cp").arg(jars.join("*")).arg(main).current_dir(folder);
    java
}

fn create(jars: &Path, folder: &Path, kind: Kind) -> Result<Kafka> {
    let port = free_port()?;
    let wire = Wire { from: free_port()?, to: free_port()? };
    std::fs::write(folder.join("server.properties"), settings(folder, port, wire, free_port()?))?;
    let mut format = java(jars, folder, "kafka.tools.StorageTool");
    format.args(["format", "-t", CLUSTER, "-c", "server.properties"]);
    command::output(&mut format).context("making Kafka's folder")?;
    let pid = start(jars, folder, port)?;
    Ok(Kafka { kind, folder: folder.to_path_buf(), port, wire, pid })
}

/// Starts the broker of a folder and waits until it answers; the process's number.
fn start(jars: &Path, folder: &Path, port: u16) -> Result<u32> {
    let log = folder.join("log");
    let file = std::fs::File::create(&log)?;
    let mut broker = java(jars, folder, "kafka.Kafka");
    // Its whole path, by which the process is known again.
    broker.arg(folder.join("server.properties"));
    broker.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    // A group of its own: an interrupt at the terminal ends us, not what `up` has started.
    let mut process = broker.process_group(0).spawn().context("starting Kafka")?;
    wait_for(&mut process, &log, port).inspect_err(|_| {
        let _ = process.kill();
        let _ = process.wait();
    })?;
    Ok(process.id())
}

fn wait_for(process: &mut Child, log: &Path, port: u16) -> Result<()> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let said = || std::fs::read_to_string(log).unwrap_or_default();
    let serves = || said().contains(STARTED) && TcpStream::connect_timeout(&address, CONNECT_MAX).is_ok();
    if !command::comes_to_pass(process, START_MAX, serves)? {
        let said = said();
        let lines: Vec<&str> = said.lines().rev().take(LOG_LINES).collect();
        let tail: Vec<&str> = lines.into_iter().rev().collect();
        bail!("Kafka did not start; its log says: {}", tail.join("\n"));
    }
    Ok(())
}

/// One node that is broker and controller. The data are a test's: one copy, small indexes, groups without delay; one
/// that was killed is soon itself again.
fn settings(folder: &Path, port: u16, wire: Wire, controller: u16) -> String {
    let Wire { from, to } = wire;
    format!(
        "process.roles=broker,controller\nnode.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\ncontroller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://127.0.0.1:{port},WIRE://127.0.0.1:{to},CONTROLLER://127.0.0.1:{controller}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,WIRE:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         inter.broker.listener.name=PLAINTEXT\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port},WIRE://127.0.0.1:{from}\nlog.dirs={}\n\
         auto.create.topics.enable=false\nlog.index.size.max.bytes=131072\n\
         offsets.topic.num.partitions=4\noffsets.topic.replication.factor=1\n\
         transaction.state.log.num.partitions=4\ntransaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\nshare.coordinator.state.topic.replication.factor=1\n\
         share.coordinator.state.topic.min.isr=1\ngroup.initial.rebalance.delay.ms=0\n\
         broker.heartbeat.interval.ms=500\nbroker.session.timeout.ms=2500\n",
        folder.join("data").display()
    )
}

/// The folder of its jars, which Maven fetches once.
pub(crate) fn jars() -> Result<PathBuf> {
    let engines = crate::workspace()?.join("target/engines");
    let jars = engines.join(format!("kafka-{VERSION}"));
    let programs: &[&str] = if jars.is_dir() { &["java"] } else { &["java", "mvn"] };
    if programs.iter().any(|program| !command::exists(program)) {
        install()?;
    }
    check_java()?;
    if jars.is_dir() {
        return Ok(jars);
    }
    std::fs::create_dir_all(&engines)?;
    let fetched = tempfile::Builder::new().prefix("kafka-fetched-").tempdir_in(&engines)?;
    std::fs::write(fetched.path().join("pom.xml"), pom())?;
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"]);
    maven.arg("-DoutputDirectory=jars").current_dir(fetched.path());
    command::output(&mut maven).context("fetching Kafka's jars")?;
    // Whole or not at all: a fetch that is interrupted leaves no folder that looks complete.
    std::fs::rename(fetched.path().join("jars"), &jars)?;
    Ok(jars)
}

fn install() -> Result<()> {
    if !command::can_install()? {
        bail!(needs("Kafka runs on Java, and Maven fetches it"));
    }
    println!("installing Java and Maven from the system's packages");
    command::apt(&["update"])?;
    command::apt(&["install", "--no-install-recommends", "default-jre-headless", "maven"])
}

fn check_java() -> Result<()> {
    let output =
        Command::new("java").arg("-version").stdin(Stdio::null()).output().context("running java")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let version = java_version(&said).ok_or_else(|| anyhow!(needs("java -version names no version")))?;
    if version < JAVA_MIN {
        bail!(needs(&format!("Java {version} is too old")));
    }
    Ok(())
}

fn needs(why: &str) -> String {
    format!(
        "{why}: install Java {JAVA_MIN} or newer and Maven (Debian: apt-get install default-jre-headless maven), \
         or set {} to a broker",
        Kafka::VARIABLE
    )
}

/// 17 of `openjdk version "17.0.15" 2025-04-15`.
fn java_version(said: &str) -> Option<u32> {
    let quoted = said.split('"').nth(1)?;
    quoted.split(['.', '-', '+']).next()?.parse().ok()
}

fn pom() -> String {
    let dependency = |group: &str, artifact: &str, version: &str| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
             <version>{version}</version></dependency>"
        )
    };
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>entrepot</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>\
         <packaging>pom</packaging><dependencies>{}{}</dependencies></project>\n",
        dependency("org.apache.kafka", "kafka_2.13", VERSION),
        dependency("org.slf4j", "slf4j-simple", "1.7.36"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_java_is_read() {
        assert_eq!(java_version("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK"), Some(17));
        assert_eq!(java_version("openjdk version \"25\" 2025-09-16"), Some(25));
        assert_eq!(java_version("openjdk version \"26-ea\" 2026-03-17"), Some(26));
        assert_eq!(java_version("java: not found"), None);
    }
}
