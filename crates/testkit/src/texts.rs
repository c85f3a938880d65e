//! Whether a service reads every text that it is sent: each text of each request of each RPC, as the descriptors have
//! them. An RPC or a field that is added is tried without a word here.

use std::collections::HashMap;
use std::str::FromStr as _;

use http::uri::PathAndQuery;
use kernel::EventId;
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, MethodDescriptor, Value,
};
use rpc::Role;
use tonic::client::Grpc;
use tonic::{Code, Request, Status};

use crate::{RawCodec, UnderTest};

/// What every service serves to its operators.
const OPERATOR: &str = "entrepot.operator.internal.v1";
/// What nobody can see, of blanks that no database has by chance.
const BLANK: &str = " \u{2003} ";
const BELL: &str = "bell\u{7}bell";
const NUL: &str = "nul\u{0}nul";
const LONG_CHARACTERS: usize = 10_000;

/// What a service's test says of its requests. Fields are named with their RPC: `CreateProduct.variants[0].sku`; the
/// end of a path stands for all that end so.
#[derive(Debug)]
pub struct Requests<'a> {
    /// Who calls: the first that an RPC lets in.
    pub callers: &'a [(Role, &'a str)],
    /// What is right in fields of a form of their own.
    pub right: &'a [(&'a str, &'a str)],
    /// Parts of requests that stand alone in theirs.
    pub alone: &'a [&'a str],
    /// Beginnings of paths of fields that take whatever is sent, and why.
    pub free: &'a [(&'a str, &'a str)],
}

/// Sends each text of each request blank, with control characters and far too long, in an otherwise plausible request.
/// What was not refused by the field's name is told, a sentence each; a blank may also count as nothing given.
pub async fn unread_texts(hub: &UnderTest, requests: &Requests<'_>) -> Vec<String> {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).expect("the descriptors can be read");
    let mut wrong = Vec::new();
    for service in pool.services() {
        let package = service.package_name();
        if package == OPERATOR || hub.spec().packages.contains(&package) {
            for method in service.methods() {
                wrong.extend(Tried { hub, requests, method }.wrong().await);
            }
        }
    }
    let stored = hub.stored_bytes();
    let is_stored = |text: &&&str| stored.windows(text.len()).any(|part| part == text.as_bytes());
    wrong.extend([BLANK, BELL, NUL].iter().filter(is_stored).map(|text| format!("{text:?} is stored")));
    wrong
}

/// An RPC that is tried.
struct Tried<'a> {
    hub: &'a UnderTest,
    requests: &'a Requests<'a>,
    method: MethodDescriptor,
}

/// The fields that an answer calls wrong, or another refusal.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Taken,
    Wrong(Vec<String>),
    /// Who sends rows is told of each: the field's path within what the row is of.
    Row(String),
    Refused(Code),
}

impl Answer {
    /// Whether it names this field: itself, or the list or map that it is of.
    fn names(&self, field: &str) -> bool {
        let named = match self {
            Answer::Wrong(named) => named,
            Answer::Row(named) => return field == named || field.ends_with(&format!(".{named}")),
            Answer::Taken | Answer::Refused(_) => return false,
        };
        let list = field.strip_suffix("[0]").unwrap_or(field);
        let map = field.split_once("[]").map(|(map, _)| format!("{map}["));
        named.iter().any(|named| {
            named == field || named == list || map.as_ref().is_some_and(|map| named.starts_with(map.as_str()))
        })
    }

    /// Not refused for what the request says, and not failed.
    fn is_sound(&self) -> bool {
        !matches!(self, Answer::Wrong(_) | Answer::Row(_) | Answer::Refused(Code::Internal | Code::Unknown))
    }
}

impl Tried<'_> {
    async fn wrong(&self) -> Vec<String> {
        let rpc = self.method.name();
        let Some((role, subject)) = self.caller().await else {
            return vec![format!("{rpc} lets none of these in: {:?}", self.requests.callers)];
        };
        let alone: Vec<_> = self.requests.alone.iter().filter_map(|part| part.strip_prefix(rpc)).collect();
        let alone: Vec<_> = alone.iter().filter_map(|part| part.strip_prefix('.')).collect();
        let mut wrong = Vec::new();
        for form in alone.iter().map(|part| Some(*part)).chain([None]) {
            let has = |field: &str| form.map_or(!alone.contains(&field), |form| form == field);
            let mut texts = Vec::new();
            let request = self.request(&has, &mut |path, right| {
                texts.push(path.to_owned());
                right
            });
            let plain = self.call(role, subject, &request).await;
            if !plain.is_sound() {
                wrong.push(format!("{rpc}: what should be a right request is answered with {plain:?}"));
            }
            for text in texts {
                let path = format!("{rpc}.{text}");
                if self.requests.free.iter().any(|(free, _)| path.starts_with(free)) {
                    continue;
                }
                let with = |value: &str| {
                    let value = value.to_owned();
                    self.request(&has, &mut |path, right| if path == text { value.clone() } else { right })
                };
                let empty = self.call(role, subject, &with("")).await;
                for value in [BLANK, BELL, NUL, &"x".repeat(LONG_CHARACTERS)] {
                    let answer = self.call(role, subject, &with(value)).await;
                    let is_nothing = value == BLANK && is_alike(&answer, &empty);
                    if !answer.names(&text) && !is_nothing {
                        let value: String = value.chars().take(BELL.len()).collect();
                        wrong.push(format!("{path} as {value:?}: {answer:?}"));
                    }
                }
            }
        }
        wrong
    }

    /// The first that is let in.
    async fn caller(&self) -> Option<(Role, &str)> {
        let request = self.request(&|_| true, &mut |_, right| right);
        for (role, subject) in self.requests.callers {
            let answer = self.call(*role, subject, &request).await;
            if !matches!(answer, Answer::Refused(Code::Unauthenticated | Code::PermissionDenied)) {
                return Some((*role, subject));
            }
        }
        None
    }

    /// A request with a value in every field that `has`; `text` chooses the texts, by their paths, from what is right.
    fn request(&self, has: &dyn Fn(&str) -> bool, text: &mut dyn FnMut(&str, String) -> String) -> Vec<u8> {
        let mut request = DynamicMessage::new(self.method.input());
        for field in self.method.input().fields().filter(|field| has(field.name())) {
            let value = self.value(&field, field.name(), text);
            request.set_field(&field, value);
        }
        request.encode_to_vec()
    }

    fn value(
        &self,
        field: &FieldDescriptor,
        path: &str,
        text: &mut dyn FnMut(&str, String) -> String,
    ) -> Value {
        if field.is_map() {
            let key = text(&format!("{path}[].key"), "word".to_owned());
            let value = text(&format!("{path}[].value"), "word".to_owned());
            return Value::Map(HashMap::from([(MapKey::String(key), Value::String(value))]));
        }
        if field.is_list() {
            return Value::List(vec![self.single(field, &format!("{path}[0]"), text)]);
        }
        self.single(field, path, text)
    }

    fn single(
        &self,
        field: &FieldDescriptor,
        path: &str,
        text: &mut dyn FnMut(&str, String) -> String,
    ) -> Value {
        match field.kind() {
            Kind::String => Value::String(text(path, self.right(path, field.name()))),
            Kind::Message(message) => Value::Message(self.message(&message, path, text)),
            Kind::Enum(values) => {
                let value = values.values().nth(2).or(values.values().nth(1));
                Value::EnumNumber(value.map_or(0, |value| value.number()))
            }
            Kind::Bool => Value::Bool(true),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(1),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(1),
            kind => panic!("{path} is of a kind that no request has had: {kind:?}"),
        }
    }

    fn message(
        &self,
        descriptor: &MessageDescriptor,
        path: &str,
        text: &mut dyn FnMut(&str, String) -> String,
    ) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields() {
            let value = self.value(&field, &format!("{path}.{}", field.name()), text);
            message.set_field(&field, value);
        }
        message
    }

    /// A value that is right for a text of this name.
    fn right(&self, path: &str, name: &str) -> String {
        let path = format!(".{}.{path}", self.method.name());
        let told = self.requests.right.iter().find(|(end, _)| path.ends_with(&format!(".{end}")));
        if let Some((_, value)) = told {
            return (*value).to_owned();
        }
        let id = EventId::new();
        match name {
            "request_id" | "aggregate_id" | "generation" => id.uuid().to_string(),
            "stock_item_id" => id.to_string().replace("event", "stock"),
            "country" | "origin" | "from_country" => "MY".to_owned(),
            "hs_code" => "610910".to_owned(),
            "postcode" => "50200".to_owned(),
            "language" => "en".to_owned(),
            "tracking_number" => "RR473124829MY".to_owned(),
            "issued_on" => "2026-01-01".to_owned(),
            "expires_on" => "2099-01-01".to_owned(),
            "guest_secret" => "0123456789abcdefghij".to_owned(),
            "etag" => "1".to_owned(),
            "page_token" => String::new(),
            "service" => self.hub.spec().name.to_owned(),
            name if name.ends_with("currency") => "MYR".to_owned(),
            name => match name.strip_suffix("_id") {
                Some(kind) => id.to_string().replace("event", kind),
                None => "word".to_owned(),
            },
        }
    }

    async fn call(&self, role: Role, subject: &str, request: &[u8]) -> Answer {
        let path = format!("/{}/{}", self.method.parent_service().full_name(), self.method.name());
        let is_internal = path.contains(".internal.");
        let line =
            if is_internal { self.hub.internal(role, subject) } else { self.hub.public(role, subject) };
        let mut client = Grpc::new(line);
        client.ready().await.expect("the service is there");
        let path = PathAndQuery::from_str(&path).expect("a method has a path");
        let stream = tokio_stream::once(request.to_vec());
        let answer = match client.streaming(Request::new(stream), path, RawCodec).await {
            Ok(answer) => answer.into_inner().message().await,
            Err(status) => Err(status),
        };
        self.read(answer)
    }

    fn read(&self, answer: Result<Option<Vec<u8>>, Status>) -> Answer {
        match answer {
            Ok(answer) => {
                let answer = answer.unwrap_or_default();
                let row = DynamicMessage::decode(self.method.output(), answer.as_slice());
                let row = row.expect("an answer is of its form");
                match row.get_field_by_name("field").as_deref() {
                    Some(Value::String(field)) if !field.is_empty() => Answer::Row(field.clone()),
                    _ => Answer::Taken,
                }
            }
            Err(status) if status.code() == Code::InvalidArgument => {
                Answer::Wrong(rpc::status::fields(&status))
            }
            Err(status) => Answer::Refused(status.code()),
        }
    }
}

/// Whether a blank was read as nothing: both are refused for the same fields, or for none and without a failure.
fn is_alike(blank: &Answer, empty: &Answer) -> bool {
    let both_wrong = blank == empty && matches!(blank, Answer::Wrong(_) | Answer::Row(_));
    both_wrong || (blank.is_sound() && empty.is_sound())
}
