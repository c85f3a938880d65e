//! `demo`: a Malaysian and a Thai hub side by side, and one cross-border purchase into each, live.
//!
//! [`sellers`] are the sellers and their goods, [`scenario`] plays a purchase, [`print`] shows what happens.

mod print;
mod scenario;
mod sellers;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use proof::invariants;
use proto::order::v1::PaymentMethod;
use rpc::Role;

use crate::configuration::Configuration;
use crate::hubs::{self, Running};
use scenario::{Purchase, Scenario};

/// How long a hub may take to come to rest at the end.
const SETTLE_PATIENCE: Duration = Duration::from_secs(60);

/// Open a Malaysian and a Thai hub side by side and watch one purchase into each; then serve both.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// End when the purchases are done, instead of serving on.
    #[arg(long)]
    exit: bool,
}

/// Runs the command.
pub(crate) async fn run(args: Args, configuration: &Configuration) -> Result<()> {
    let begun = Instant::now();
    let names = ["my".to_owned(), "th".to_owned()];
    let running = hubs::start_all(&names, configuration, None).await?;
    println!("two hubs are open after {} ms", begun.elapsed().as_millis());
    let played = play(&running, args.exit).await;
    if played.is_ok() && !args.exit {
        hubs::asked_to_stop().await?;
    }
    hubs::stop_all(running).await;
    played
}

async fn play(running: &[Running], exit: bool) -> Result<()> {
    let [malaysia, thailand] = running else { bail!("the demo opens two hubs") };
    for hub in running {
        sellers::open(hub).await.with_context(|| format!("opening shops at {}", hub.profile.name()))?;
    }
    let wallet = Scenario {
        running: malaysia,
        buyer: "aisyah",
        title: "Aisyah in Kuala Lumpur buys from a Thai and from a Chinese seller in one order, by wallet",
        wishes: &[("ban-kad-weaving", "BK-SCARF-INDIGO", 1), ("pearl-river-lighting", "PR-DESK-LAMP", 2)],
        method: PaymentMethod::Wallet,
    };
    let qr = Scenario {
        running: thailand,
        buyer: "somchai",
        title: "Somchai in Bangkok buys from a Malaysian seller, by PromptPay QR",
        wishes: &[("lorong-batik-house", "LB-SHIRT-L", 1), ("lorong-batik-house", "LB-COFFEE", 3)],
        method: PaymentMethod::Promptpay,
    };
    let mut purchases = Vec::new();
    for story in [wallet, qr] {
        purchases.push(story.play().await?);
    }
    let mut holds = true;
    for hub in running {
        holds &= books(hub).await?;
    }
    if !holds {
        bail!("an invariant is broken");
    }
    if !exit {
        for (hub, purchase) in running.iter().zip(&purchases) {
            address(hub, purchase)?;
        }
        println!("\nCtrl-C stops both hubs.");
    }
    Ok(())
}

/// The books of a hub; whether all invariants hold.
async fn books(running: &Running) -> Result<bool> {
    let hub = running.proof()?;
    invariants::settle(&hub, SETTLE_PATIENCE).await?;
    let report = invariants::check(&hub).await?;
    print::title(&format!("The books of {}", running.profile.name()));
    print!("{}", crate::trial_balance::money_by_account(&report.balance));
    print!("\nInvariants\n{report}");
    Ok(report.holds())
}

/// Where and how the hub can be asked.
fn address(running: &Running, purchase: &Purchase) -> Result<()> {
    let token = running.token(Role::Buyer, purchase.buyer)?;
    print::title(&format!("{} serves {}", running.profile.name(), running.public()));
    println!("  token of buyer {}: {token}", purchase.buyer);
    println!(
        "  grpcurl -plaintext -H 'authorization: Bearer {token}' -d '{{\"order_id\": \"{}\"}}' {} \
         entrepot.order.v1.OrderService/GetOrder",
        purchase.number,
        running.public()
    );
    Ok(())
}
