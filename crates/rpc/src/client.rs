//! A client's token.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// An interceptor that sends a bearer token: `OrderServiceClient::with_interceptor(channel, Bearer::new(&token)?)`.
#[derive(Clone, Debug)]
pub struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    /// The token as made by [`crate::Issuer::sign`]; fails when it holds characters that no header may.
    pub fn new(token: &str) -> Result<Self, Status> {
        let mut value: MetadataValue<Ascii> = format!("Bearer {token}")
            .parse()
            .map_err(|_| Status::unauthenticated("the token contains characters that no token may have"))?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}
