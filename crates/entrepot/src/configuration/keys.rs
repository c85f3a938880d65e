//! The section `[keys]`: where the keys are that tokens are signed and verified with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rpc::{IssuerFile, SetFile};
use runtime::{KeyFiles, Spec};
use serde::Deserialize;

use super::{Configuration, HUB, SERVICE, duration};

/// `[keys]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeySettings {
    pub(super) issuer: Option<String>,
    pub(super) service: Option<String>,
    pub(super) jwks: Option<String>,
    #[serde(deserialize_with = "duration")]
    refresh: Duration,
}

/// A file of keys: told, or that in the hub's folder.
#[derive(Debug)]
struct File {
    path: PathBuf,
    is_told: bool,
}

impl File {
    fn required(self) -> SetFile {
        SetFile { path: self.path, required: self.is_told }
    }
}

impl Configuration {
    fn key_file(&self, template: Option<&String>, code: &str, service: &str, default: &str) -> File {
        let path = match template {
            Some(template) => PathBuf::from(template.replace(HUB, code).replace(SERVICE, service)),
            None => self.process.data.join(code).join(default),
        };
        File { path, is_told: template.is_some() }
    }

    fn issuer(&self, code: &str) -> File {
        self.key_file(self.keys.issuer.as_ref(), code, "", "key.pem")
    }

    fn set(&self, code: &str) -> File {
        self.key_file(self.keys.jwks.as_ref(), code, "", "jwks.json")
    }

    fn service(&self, code: &str, service: &str) -> File {
        self.key_file(self.keys.service.as_ref(), code, service, &format!("{service}.pem"))
    }

    /// The file of the private key of a hub's issuer.
    pub(crate) fn issuer_key(&self, code: &str) -> PathBuf {
        self.issuer(code).path
    }

    /// The file of a hub's public keys.
    pub(crate) fn public_keys(&self, code: &str) -> PathBuf {
        self.set(code).path
    }

    /// The file of a service's private key.
    pub(crate) fn service_key(&self, code: &str, service: &str) -> PathBuf {
        self.service(code, service).path
    }

    /// How often keys are read again.
    pub(crate) fn keys_refresh(&self) -> Duration {
        self.keys.refresh
    }

    /// The keys of a process that serves a whole hub: it has the issuer's, and its services' own are in memory, unless
    /// others are named.
    pub(super) fn keys_of_hub(&self, code: &str, specs: &[Spec]) -> KeyFiles {
        let (issuer, set) = (self.issuer(code), self.set(code));
        let is_issuer = issuer.is_told || !set.is_told;
        let services = specs.iter().map(|spec| (spec.name.to_owned(), self.service(code, spec.name)));
        let told = services.filter(|(_, file)| file.is_told);
        KeyFiles {
            issuer: is_issuer.then_some(IssuerFile { path: issuer.path, shared: false }),
            set: Some(set.required()),
            services: told.map(|(service, file)| (service, file.path)).collect(),
            refresh: self.keys.refresh,
        }
    }

    /// The keys of a process that serves some services of a hub: the hub's public keys, and the services' own. Where
    /// there are no public keys, or the issuer's key was named as up to the release before, all processes share that one.
    pub(crate) fn keys_of_services(&self, code: &str, specs: &[Spec]) -> KeyFiles {
        let (issuer, set) = (self.issuer(code), self.set(code));
        let is_there = |file: &File| file.is_told || file.path.exists();
        let has_set = is_there(&set);
        let services = specs.iter().map(|spec| (spec.name.to_owned(), self.service(code, spec.name)));
        let services = services.filter(|(_, file)| has_set && is_there(file));
        KeyFiles {
            issuer: (issuer.is_told || !has_set).then_some(IssuerFile { path: issuer.path, shared: true }),
            set: has_set.then_some(SetFile { path: set.path, required: true }),
            services: services.map(|(service, file)| (service, file.path)).collect(),
            refresh: self.keys.refresh,
        }
    }

    /// The settings of keys that name one file for all hubs.
    pub(super) fn keys_of_one_hub(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let KeySettings { issuer, service, jwks, .. } = &self.keys;
        let all = [("keys.issuer", issuer), ("keys.service", service), ("keys.jwks", jwks)];
        all.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?)))
    }
}

/// Where the next key of a holder is until it signs with it.
pub(crate) fn next(key: &Path) -> PathBuf {
    key.with_extension("next.pem")
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    /// The files of a hub with these settings: issuer and whether it is shared, set and whether it is required, order's.
    fn files(keys: &KeyFiles) -> [String; 3] {
        let shown = |path: &Path, with: bool| format!("{}{}", path.display(), if with { " *" } else { "" });
        let issuer = keys.issuer.as_ref().map(|file| shown(&file.path, file.shared));
        let set = keys.set.as_ref().map(|file| shown(&file.path, file.required));
        let order = keys.services.get("order").map(|file| shown(file, false));
        [issuer, set, order].map(Option::unwrap_or_default)
    }

    #[test]
    fn a_whole_hub_has_the_issuers_key_unless_public_keys_are_named() {
        let whole =
            |variables: &[(&str, &str)]| files(&told(variables).unwrap().keys_of_hub("my", &[order::SPEC]));
        assert_eq!(whole(&[]), ["data/my/key.pem", "data/my/jwks.json", ""]);
        let jwks = ("KEYS_JWKS", "/{hub}.json");
        assert_eq!(whole(&[jwks]), ["", "/my.json *", ""]);
        assert_eq!(whole(&[jwks, ("KEYS_ISSUER", "/k")]), ["/k", "/my.json *", ""]);
        assert_eq!(whole(&[("KEYS_SERVICE", "/{hub}/{service}")])[2], "/my/order");
    }

    #[test]
    fn a_service_has_no_key_of_people_unless_it_was_given_one() {
        let folder = tempfile::tempdir().unwrap();
        let data = ("DATA", folder.path().to_str().unwrap());
        let services = |variables: &[(&str, &str)]| {
            let variables = [&[data], variables].concat();
            let keys = told(&variables).unwrap().keys_of_services("my", &[order::SPEC]);
            files(&keys).map(|path| path.replace(folder.path().to_str().unwrap(), ""))
        };
        // As up to the release before.
        assert_eq!(services(&[]), ["/my/key.pem *", "", ""]);
        assert_eq!(services(&[("KEY", "/k")]), ["/k *", "", ""]);
        let told = [("KEYS_JWKS", "/j"), ("KEYS_SERVICE", "/{service}")];
        assert_eq!(services(&told), ["", "/j *", "/order"]);
        // On the way from one to the other.
        assert_eq!(services(&[told[0], told[1], ("KEY", "/k")]), ["/k *", "/j *", "/order"]);
        std::fs::create_dir(folder.path().join("my")).unwrap();
        for file in ["jwks.json", "order.pem", "key.pem"] {
            std::fs::write(folder.path().join("my").join(file), "").unwrap();
        }
        assert_eq!(services(&[]), ["", "/my/jwks.json *", "/my/order.pem"]);
    }
}
