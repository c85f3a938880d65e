//! `healthcheck`: asks a process of a hub whether it serves, as the probe of its container does.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How long it may take to connect and to answer: a probe that waits tells nothing.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// Ask a process of a hub whether it serves: exits with status 0 when it does, else with a message and another status.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A listener of the process.
    #[arg(long, default_value = "127.0.0.1:50051", value_name = "HOST:PORT")]
    address: String,
    /// One service to ask about, such as entrepot.order.v1.OrderService; the whole process when absent.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "SERVICE")]
    service: String,
    /// Succeed as soon as it answers, even that it is not serving: for probes that should kill a process that does not
    /// answer, and leave alone one that waits for Kafka.
    #[arg(long)]
    alive: bool,
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> Result<()> {
    within(ANSWER_MAX, args).await
}

async fn within(answer_max: Duration, args: Args) -> Result<()> {
    let (address, alive) = (args.address.clone(), args.alive);
    let answer = tokio::time::timeout(answer_max, ask(args)).await;
    let late = || anyhow!("{address} did not answer within {} ms", answer_max.as_millis());
    let status = answer.map_err(|_| late())??;
    match status {
        ServingStatus::Serving => Ok(()),
        ServingStatus::NotServing if alive => Ok(()),
        ServingStatus::ServiceUnknown => bail!("{address} knows no such service"),
        ServingStatus::NotServing | ServingStatus::Unknown => {
            bail!("{address} reports that it is not serving")
        }
    }
}

async fn ask(args: Args) -> Result<ServingStatus> {
    let address = &args.address;
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .with_context(|| format!("--address: `{address}` must be host:port"))?;
    let channel = endpoint.connect().await.with_context(|| format!("{address} cannot be reached"))?;
    let request = HealthCheckRequest { service: args.service };
    let answer = HealthClient::new(channel).check(request).await;
    let answer = answer.map_err(|status| anyhow!("{address}: {}", status.message()))?;
    Ok(answer.into_inner().status())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio_stream::wrappers::TcpListenerStream;

    use super::*;

    async fn asked(address: String, service: &str) -> Result<(), String> {
        let args = Args { address, service: service.to_owned(), alive: false };
        run(args).await.map_err(|error| format!("{error:#}"))
    }

    async fn alive(address: String) -> bool {
        run(Args { address, service: String::new(), alive: true }).await.is_ok()
    }

    #[tokio::test]
    async fn only_one_that_serves_is_well() {
        let (reporter, health) = tonic_health::server::health_reporter();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tonic::transport::Server::builder().add_service(health);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        assert_eq!(asked(address.clone(), "").await, Ok(()));
        reporter.set_service_status("", tonic_health::ServingStatus::NotServing).await;
        assert!(asked(address.clone(), "").await.unwrap_err().contains("not serving"));
        assert!(alive(address.clone()).await);
        assert!(asked(address, "entrepot.Nothing").await.is_err());
    }

    #[tokio::test]
    async fn nobody_and_nowhere_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        assert!(!alive(address.clone()).await);
        assert!(asked(address, "").await.unwrap_err().contains("cannot be reached"));
        assert!(asked("no address".to_owned(), "").await.unwrap_err().starts_with("--address"));
    }

    #[tokio::test]
    async fn one_that_says_nothing_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let args = Args { address, service: String::new(), alive: true };
        let error = within(Duration::from_millis(100), args).await.unwrap_err();
        assert!(format!("{error:#}").contains("did not answer within 100 ms"));
    }
}
