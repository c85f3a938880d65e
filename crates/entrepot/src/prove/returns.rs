//! Goods that go back while the hub is broken; two ask for the same units at once, one gets them.

use anyhow::{Context as _, Result};
use proto::order::v1::{ApproveReturnRequest, Order, ReceiveReturnRequest, RequestReturnRequest, Return};

use super::buyers::{Buyer, Town};

/// Sends a delivered order back, all of it, asking for it twice at once.
pub(super) async fn send_back(buyer: &mut Buyer, order_id: &str) -> Result<()> {
    let Some(order) = buyer.delivered(order_id).await? else { return Ok(()) };
    let consignment = order.consignments.first().and_then(|consignment| consignment.quoted.as_ref());
    let consignment_id = consignment.context("an order without consignments")?.consignment_id.clone();
    let (first, second) =
        tokio::join!(ask(buyer, &order, &consignment_id), ask(buyer, &order, &consignment_id));
    let granted: Vec<Return> = [first?, second?]
        .into_iter()
        .filter_map(|asked| match asked {
            Ok(granted) => Some(granted),
            Err(reason) => {
                buyer.book.refused(reason);
                None
            }
        })
        .collect();
    if granted.len() > 1 {
        buyer.book.broken.push(format!("the same units of order {} go back twice", order.number));
    }
    for granted in granted {
        let units: i64 = granted.lines.iter().map(|line| line.quantity).sum();
        let received = receive(&buyer.town, &granted.return_id).await?;
        if buyer.book.granted("goods that came back", received).is_none() {
            continue;
        }
        if let Some(noted) = buyer.book.orders.get(order_id) {
            *buyer.book.restocked.entry(noted.place).or_default() += units;
        }
    }
    Ok(())
}

async fn ask(buyer: &Buyer, order: &Order, consignment_id: &str) -> Result<Result<Return, String>> {
    let request = RequestReturnRequest {
        request_id: proof::request_id(),
        order_id: order.order_id.clone(),
        consignment_id: consignment_id.to_owned(),
        reason: "not as expected".to_owned(),
        ..RequestReturnRequest::default()
    };
    let call = async || buyer.session.returns().request_return(request.clone()).await;
    match buyer.town.insistence.until_answered("a return", call).await? {
        Ok(answer) => Ok(Ok(answer.r#return.context("a return without content")?)),
        Err(reason) => Ok(Err(reason)),
    }
}

/// The seller agrees and has the goods, which he puts on the shelf again; he says so twice at once.
async fn receive(town: &Town, return_id: &str) -> Result<Result<(), String>> {
    let seller = &town.market.shop.session;
    let approve = ApproveReturnRequest {
        request_id: proof::request_id(),
        return_id: return_id.to_owned(),
        answer: String::new(),
    };
    let call = async || seller.returns().approve_return(approve.clone()).await;
    if let Err(reason) = town.insistence.until_answered("an approval", call).await? {
        return Ok(Err(reason));
    }
    let receive = ReceiveReturnRequest {
        request_id: proof::request_id(),
        return_id: return_id.to_owned(),
        restock: true,
    };
    let call = async || seller.returns().receive_return(receive.clone()).await;
    let (first, second) = tokio::join!(
        town.insistence.until_answered("goods that came back", &call),
        town.insistence.until_answered("goods that came back", &call)
    );
    Ok(first?.and(second?).map(|_| ()))
}
