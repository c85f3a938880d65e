//! Whether a service's doors are closed to those whom its policies do not name: every RPC, every role.

use http::uri::PathAndQuery;
use rpc::{Caller, Policy, PolicyTable, Role};
use tonic::client::{Grpc, GrpcService};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::UnderTest;

/// Calls every RPC of the table without a token, in each role and as each service that it names; what was not as its policy says, a sentence each.
pub async fn open_doors(hub: &UnderTest, policies: PolicyTable) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, policy) in policies {
        let internal = path.contains(".internal.");
        let nobody = if internal { hub.hub.internal_channel() } else { hub.anyone() };
        let turned_away = call(nobody, path).await == Answer::Nobody;
        if turned_away == matches!(policy, Policy::Public) {
            wrong.push(format!("{path} turns nobody away: {turned_away}"));
        }
        let named = policy.services().iter().map(|name| (Role::Service, *name));
        for (role, subject) in Role::ALL.map(|role| (role, "stranger")).into_iter().chain(named) {
            let line = if internal { hub.internal(role, subject) } else { hub.public(role, subject) };
            let answer = call(line, path).await;
            // A service's token is nobody's outside.
            let expected = match role {
                Role::Service if !internal => Answer::Nobody,
                role if policy.allows(&Caller::new(role, subject)) => Answer::LetIn,
                _ => Answer::Role,
            };
            if answer != expected {
                wrong.push(format!("{path} takes {role} {subject} as {answer:?}, not as {expected:?}"));
            }
        }
    }
    wrong
}

/// Who was turned away by the gate, if anybody.
#[derive(Debug, PartialEq, Eq)]
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
    // The first message says it: a stream may have no end.
    let streaming = client.server_streaming(Request::new(()), PathAndQuery::from_static(path), codec);
    let answer: Result<Option<()>, Status> = match streaming.await {
        Ok(answer) => answer.into_inner().message().await,
        Err(status) => Err(status),
    };
    match answer {
        Err(status) if status.code() == Code::Unauthenticated => Answer::Nobody,
        Err(status) if rpc::status::reason(&status).as_deref() == Some("ROLE_NOT_ALLOWED") => Answer::Role,
        _ => Answer::LetIn,
    }
}
