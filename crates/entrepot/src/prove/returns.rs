//! Goods that go back while the hub is broken: whole orders and unit by unit, before their money was paid out and after,
//! some declined first. Two ask for the same units at once, one gets them.

use anyhow::{Context as _, Result};
use proto::order::v1::{
    ApproveReturnRequest, Order, ReceiveReturnRequest, RejectReturnRequest, RequestReturnRequest, Return,
    ReturnCause, ReturnLine,
};

use super::town::{Buyer, Town};

/// Sends a delivered order back, all of it.
pub(super) async fn send_back(buyer: &mut Buyer, order_id: &str) -> Result<()> {
    let Some(order) = buyer.delivered(order_id).await? else { return Ok(()) };
    if buyer.random.bool() {
        // The sellers are being paid meanwhile.
        buyer.confirm_receipt(order_id).await?;
    }
    if buyer.random.bool() { at_once(buyer, &order).await } else { by_the_unit(buyer, &order).await }
}

/// All of it, asked for twice at once.
async fn at_once(buyer: &mut Buyer, order: &Order) -> Result<()> {
    let request = request(buyer, order, Vec::new())?;
    let other = RequestReturnRequest { request_id: proof::request_id(), ..request.clone() };
    let (first, second) = tokio::join!(ask(buyer, &request), ask(buyer, &other));
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
        take_back(buyer, order, &granted).await?;
    }
    Ok(())
}

/// Unit by unit, of which one in four is declined first; there is one line.
async fn by_the_unit(buyer: &mut Buyer, order: &Order) -> Result<()> {
    let quoted = order.consignments.first().and_then(|consignment| consignment.quoted.as_ref());
    let line = quoted.and_then(|quoted| quoted.lines.first()).context("an order without lines")?.clone();
    for _ in 0..line.quantity {
        let declined = buyer.random.u8(..4) == 0;
        for is_declined in [true, false].into_iter().skip(usize::from(!declined)) {
            let unit = ReturnLine { variant_id: line.variant_id.clone(), quantity: 1 };
            let request = request(buyer, order, vec![unit])?;
            let asked = ask(buyer, &request).await?;
            let Some(granted) = buyer.book.granted("a return of a unit that was kept", asked) else {
                return Ok(());
            };
            if is_declined {
                let declined = decline(&buyer.town, &granted.return_id).await?;
                buyer.book.granted("declining a return", declined);
            } else {
                take_back(buyer, order, &granted).await?;
            }
        }
    }
    Ok(())
}

fn request(buyer: &mut Buyer, order: &Order, lines: Vec<ReturnLine>) -> Result<RequestReturnRequest> {
    let consignment = order.consignments.first().and_then(|consignment| consignment.quoted.as_ref());
    let consignment_id = consignment.context("an order without consignments")?.consignment_id.clone();
    let causes = [ReturnCause::Unspecified, ReturnCause::ChangeOfMind, ReturnCause::WrongOrDamaged];
    Ok(RequestReturnRequest {
        request_id: proof::request_id(),
        order_id: order.order_id.clone(),
        consignment_id,
        lines,
        reason: "not as expected".to_owned(),
        client_reference: String::new(),
        cause: buyer.random.choice(causes).unwrap_or_default().into(),
    })
}

async fn ask(buyer: &Buyer, request: &RequestReturnRequest) -> Result<Result<Return, String>> {
    let call = async || buyer.session.returns().request_return(request.clone()).await;
    match buyer.town.insistence.until_answered("a return", call).await? {
        Ok(answer) => Ok(Ok(answer.r#return.context("a return without content")?)),
        Err(reason) => Ok(Err(reason)),
    }
}

/// The seller takes the goods back, and the buyer remembers it.
async fn take_back(buyer: &mut Buyer, order: &Order, granted: &Return) -> Result<()> {
    let units: i64 = granted.lines.iter().map(|line| line.quantity).sum();
    let received = receive(&buyer.town, &granted.return_id).await?;
    if buyer.book.granted("goods that came back", received).is_none() {
        return Ok(());
    }
    if let Some(noted) = buyer.book.orders.get_mut(&order.order_id) {
        noted.returned += units;
        *buyer.book.restocked.entry(noted.place).or_default() += units;
    }
    Ok(())
}

async fn decline(town: &Town, return_id: &str) -> Result<Result<(), String>> {
    let reject = RejectReturnRequest {
        request_id: proof::request_id(),
        return_id: return_id.to_owned(),
        answer: "worn".to_owned(),
    };
    let call = async || town.market.shop.session.returns().reject_return(reject.clone()).await;
    Ok(town.insistence.until_answered("declining a return", call).await?.map(|_| ()))
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
