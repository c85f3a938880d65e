//! Which hub is meant.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use hub::Profile;
use runtime::Spec;

/// A profile by its code, or by the path of its file.
pub(crate) fn profile(hub: &str) -> Result<Arc<Profile>> {
    if hub.ends_with(".toml") {
        let profile = Profile::load(Path::new(hub)).map_err(|problems| anyhow!("hub: {problems}"))?;
        return Ok(Arc::new(profile));
    }
    let Some((file, text)) = hub::builtin(hub) else {
        let known: Vec<&str> = hub::BUILTIN.iter().map(|(code, ..)| *code).collect();
        bail!("hub: `{hub}` is neither one of {} nor the path of a .toml file", known.join(", "));
    };
    Ok(Arc::new(Profile::parse(file, text).map_err(|problems| anyhow!("{problems}"))?))
}

/// A service of a hub by its name.
pub(crate) fn service(name: &str) -> Result<Spec, String> {
    let found = services::ALL.iter().find(|spec| spec.name == name).copied();
    found.ok_or_else(|| format!("a hub's services are {}", services::names().join(", ")))
}
