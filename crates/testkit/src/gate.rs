//! Whether a service's doors are closed to those whom its policies do not name: every RPC, every role.

use http::uri::PathAndQuery;
use rpc::{Policy, PolicyTable, Role};
use tonic::client::{Grpc, GrpcService};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::UnderTest;

/// Calls every RPC of the table without a token and in each role; what was not as its policy says, a sentence each.
pub async fn open_doors(hub: &UnderTest, policies: PolicyTable) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, policy) in policies {
        let internal = path.contains(".internal.");
        let nobody = if internal { hub.hub.internal_channel() } else { hub.anyone() };
        let turned_away = call(nobody, path).await == Answer::Nobody;
        if turned_away == matches!(policy, Policy::Public) {
            wrong.push(format!("{path} turns nobody away: {turned_away}"));
        }
        for role in Role::ALL {
            let line = if internal { hub.internal(role, "stranger") } else { hub.public(role, "stranger") };
            let turned_away = call(line, path).await == Answer::Role;
            let allowed = match policy {
                Policy::Public | Policy::Authenticated => true,
                Policy::Roles(roles) => roles.contains(&role),
            };
            if turned_away == allowed {
                wrong.push(format!("{path} turns {role} away: {turned_away}"));
            }
        }
    }
    wrong
}

/// Who was turned away by the gate, if anybody.
#[derive(PartialEq, Eq)]
enum Answer {
    Nobody,
    Role,
    LetIn,
}

/// What becomes of an empty request.
async fn call<S>(service: S, path: &'static str) -> Answer
where
    S: GrpcService<tonic::body::Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    let mut client = Grpc::new(service);
    if let Err(error) = client.ready().await {
        panic!("the service is not there: {}", error.into());
    }
    let codec: ProstCodec<(), ()> = ProstCodec::default();
    let answer: Result<tonic::Response<()>, Status> =
        client.unary(Request::new(()), PathAndQuery::from_static(path), codec).await;
    match answer {
        Err(status) if status.code() == Code::Unauthenticated => Answer::Nobody,
        Err(status) if rpc::status::reason(&status).as_deref() == Some("ROLE_NOT_ALLOWED") => Answer::Role,
        _ => Answer::LetIn,
    }
}
