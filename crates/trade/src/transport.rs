//! Ways to travel.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a consignment travels across the border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// By air courier.
    Air,
    /// By the post.
    Post,
    /// By sea.
    Sea,
    /// By road or rail.
    Road,
}

impl Transport {
    /// As profiles, vectors and rows write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Air => "air",
            Self::Post => "post",
            Self::Sea => "sea",
            Self::Road => "road",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Transport {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Air, Self::Post, Self::Sea, Self::Road]
            .into_iter()
            .find(|transport| transport.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a mode of transport: use air, post, sea or road"))
    }
}
