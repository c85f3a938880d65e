//! The files of a hub's keys, and the steps by which one key takes another's place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use rpc::{
    CLOCK_SKEW, Holder, Issuer, KeySet, PublicKey, SERVICE_TOKEN_LIFETIME, SigningKey, TOKEN_LIFETIME_MAX,
};
use runtime::KEYS_REFRESH_DEFAULT;

use crate::configuration::{Configuration, next};

/// The files of a hub's keys.
#[derive(Debug)]
pub(crate) struct Keyring {
    hub: String,
    /// Each holder's private key.
    holders: Vec<(Holder, PathBuf)>,
    set: PathBuf,
    refresh: Duration,
}

/// Whether a step waits until it is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    AsNeeded,
    /// A key is in wrong hands: that is worse than calls that are refused.
    Not,
}

/// What may be done with a public key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyState {
    /// Its holder signs with it.
    Signs,
    /// Its holder may sign with it from then on.
    Next(DateTime<Utc>),
    /// Its holder signs with another; it may be withdrawn from then on.
    Former(DateTime<Utc>),
    /// Its private key is in none of the files.
    Elsewhere,
}

impl Keyring {
    /// As the settings have it.
    pub(crate) fn of(configuration: &Configuration, code: &str) -> Self {
        let service = |name: &str| configuration.service_key(code, name);
        let (issuer, set) = (configuration.issuer_key(code), configuration.public_keys(code));
        Self::new(code, issuer, service, set, configuration.keys_refresh())
    }

    /// In the folder of a hub, by their usual names.
    pub(crate) fn in_folder(code: &str, folder: &Path) -> Self {
        let service = |name: &str| folder.join(format!("{name}.pem"));
        Self::new(code, folder.join("key.pem"), service, folder.join("jwks.json"), KEYS_REFRESH_DEFAULT)
    }

    fn new(
        code: &str,
        issuer: PathBuf,
        service: impl Fn(&str) -> PathBuf,
        set: PathBuf,
        refresh: Duration,
    ) -> Self {
        let mut holders = vec![(Holder::Issuer, issuer)];
        holders.extend(
            services::names().iter().map(|name| (Holder::Service((*name).to_owned()), service(name))),
        );
        Self { hub: code.to_owned(), holders, set, refresh }
    }

    /// The file of the public keys.
    pub(crate) fn set_file(&self) -> &Path {
        &self.set
    }

    /// The file of a holder's private key.
    pub(crate) fn file(&self, holder: &Holder) -> Result<&Path> {
        let file = self.holders.iter().find(|(known, _)| known == holder);
        file.map(|(_, file)| file.as_path()).with_context(|| format!("{} has no key", super::name(holder)))
    }

    /// Who signs for people; its key is made when there is none.
    pub(crate) fn issuer(&self) -> Result<Issuer> {
        Ok(Issuer::new(&self.hub, SigningKey::load_or_create(self.file(&Holder::Issuer)?)?))
    }

    /// Makes the private keys that are missing, and puts the public half of each into the set; the files that were made.
    pub(crate) fn make(&self, now: DateTime<Utc>) -> Result<Vec<PathBuf>> {
        let (mut set, mut made) = (self.read_or_new()?, Vec::new());
        let before = set.clone();
        for (holder, file) in &self.holders {
            if !file.exists() {
                made.push(file.clone());
            }
            add(&mut set, &SigningKey::load_or_create(file)?, holder, now);
        }
        if set != before {
            set.write(&self.set)?;
        }
        Ok(made)
    }

    /// The public keys, by their holders.
    pub(super) fn list(&self) -> Result<Vec<(PublicKey, KeyState)>> {
        let set = KeySet::read(&self.set)?;
        let mut keys: Vec<_> = set.iter().cloned().map(|key| (self.state(&key), key)).collect();
        keys.sort_by(|(_, a), (_, b)| (&a.holder, a.published_at).cmp(&(&b.holder, b.published_at)));
        Ok(keys.into_iter().map(|(state, key)| (key, state)).collect())
    }

    fn state(&self, key: &PublicKey) -> KeyState {
        let is_in = |file: &Path| SigningKey::load(file).is_ok_and(|found| found.kid() == key.kid());
        let file = self.file(&key.holder);
        match key.retired_at {
            _ if file.as_ref().is_ok_and(|file| is_in(file)) => KeyState::Signs,
            Some(_) => KeyState::Former(self.withdrawn_from(key)),
            None if file.is_ok_and(|file| is_in(&next(file))) => KeyState::Next(self.signs_from(key)),
            None => KeyState::Elsewhere,
        }
    }

    /// Makes the next key of a holder and puts it into the set; its id, and when it may sign.
    pub(super) fn publish(&self, holder: &Holder, now: DateTime<Utc>) -> Result<(String, DateTime<Utc>)> {
        let mut set = self.read()?;
        let key = SigningKey::load_or_create(&next(self.file(holder)?))?;
        if add(&mut set, &key, holder, now) {
            set.write(&self.set)?;
        }
        let published = set.get(key.kid()).context("the key is in the set")?;
        Ok((key.kid().to_owned(), self.signs_from(published)))
    }

    /// Puts the next key of a holder in the place of the one that it signs with; its id, and when the former one may be
    /// withdrawn, if there is one.
    pub(super) fn sign(
        &self,
        holder: &Holder,
        now: DateTime<Utc>,
        waits: Waits,
    ) -> Result<(String, Option<DateTime<Utc>>)> {
        let mut set = self.read()?;
        let file = self.file(holder)?;
        let next = next(file);
        if next.exists() {
            let key = SigningKey::load(&next)?;
            let Some(published) = set.get(key.kid()) else {
                bail!("the key {} is not published yet: run `entrepot keys publish` first", key.kid())
            };
            let from = self.signs_from(published);
            if now < from && waits == Waits::AsNeeded {
                bail!(
                    "not every process may know the key {} before {}; try again then",
                    key.kid(),
                    super::shown(from)
                );
            }
            let written = with_its_readers(&next, file).and_then(|()| std::fs::rename(&next, file));
            written.with_context(|| format!("cannot write {}", file.display()))?;
        }
        // Also after a step that was cut off here.
        let kid = SigningKey::load(file)?.kid().to_owned();
        let before = set.clone();
        for former in set.iter_mut().filter(|key| key.holder == *holder && key.kid() != kid) {
            former.retired_at.get_or_insert(seconds(now));
        }
        if set != before {
            set.write(&self.set)?;
        }
        let former = set.iter().filter(|key| key.holder == *holder && key.retired_at.is_some());
        Ok((kid, former.map(|key| self.withdrawn_from(key)).max()))
    }

    /// Takes the former keys of a holder out of the set; their ids.
    pub(super) fn withdraw(&self, holder: &Holder, now: DateTime<Utc>, waits: Waits) -> Result<Vec<String>> {
        let mut set = self.read()?;
        let former: Vec<&PublicKey> =
            set.iter().filter(|key| key.holder == *holder && key.retired_at.is_some()).collect();
        if former.is_empty() {
            bail!("{} has no former key to withdraw", super::name(holder));
        }
        let is_due = |key: &&PublicKey| waits == Waits::Not || now >= self.withdrawn_from(key);
        let due: Vec<String> =
            former.iter().copied().filter(is_due).map(|key| key.kid().to_owned()).collect();
        if let (true, Some(from)) = (due.is_empty(), former.iter().map(|key| self.withdrawn_from(key)).min())
        {
            bail!("tokens signed by the key may be valid until {}; try again then", super::shown(from));
        }
        set.retain(|key| !due.iter().any(|kid| kid == key.kid()));
        set.write(&self.set)?;
        Ok(due)
    }

    /// When all know a key that was published.
    fn signs_from(&self, key: &PublicKey) -> DateTime<Utc> {
        time(key.published_at) + 2 * self.refresh
    }

    /// When nothing that a former key has signed is valid any more.
    fn withdrawn_from(&self, key: &PublicKey) -> DateTime<Utc> {
        let lifetime = match key.holder {
            Holder::Service(_) => SERVICE_TOKEN_LIFETIME,
            Holder::Issuer | Holder::Shared => TOKEN_LIFETIME_MAX,
        };
        // For a while its holder signs with it still.
        time(key.retired_at) + 2 * self.refresh + lifetime + CLOCK_SKEW
    }

    fn read(&self) -> Result<KeySet> {
        if !self.set.exists() {
            bail!("there is no {}: run `entrepot keys make` first", self.set.display());
        }
        Ok(KeySet::read(&self.set)?)
    }

    fn read_or_new(&self) -> Result<KeySet> {
        if self.set.exists() { self.read() } else { Ok(KeySet::default()) }
    }
}

/// Gives a file to those who read the one that it is to take the place of.
fn with_its_readers(next: &Path, former: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let (is, should) = (std::fs::metadata(next)?, std::fs::metadata(former)?);
        if (is.uid(), is.gid()) != (should.uid(), should.gid()) {
            std::os::unix::fs::chown(next, Some(should.uid()), Some(should.gid()))?;
        }
        std::fs::set_permissions(next, should.permissions())?;
    }
    Ok(())
}

/// Adds a key to the set; `false` when it is there.
fn add(set: &mut KeySet, key: &SigningKey, holder: &Holder, now: DateTime<Utc>) -> bool {
    if set.get(key.kid()).is_some() {
        return false;
    }
    let mut key = key.public(holder.clone());
    key.published_at = Some(seconds(now));
    set.insert(key);
    true
}

fn seconds(time: DateTime<Utc>) -> u64 {
    u64::try_from(time.timestamp()).unwrap_or_default()
}

fn time(seconds: Option<u64>) -> DateTime<Utc> {
    let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
    DateTime::from_timestamp(seconds.unwrap_or_default(), 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITS: Waits = Waits::AsNeeded;

    fn order() -> Holder {
        Holder::Service("order".to_owned())
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn made() -> (tempfile::TempDir, Keyring) {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::in_folder("my", &folder.path().join("my"));
        assert_eq!(keyring.make(at(0)).unwrap().len(), 1 + services::ALL.len());
        (folder, keyring)
    }

    fn text(keyring: &Keyring) -> String {
        std::fs::read_to_string(keyring.set_file()).unwrap()
    }

    /// How many keys a holder has in the set.
    fn count(keyring: &Keyring, holder: &Holder) -> usize {
        keyring.list().unwrap().iter().filter(|(key, _)| key.holder == *holder).count()
    }

    #[test]
    fn what_is_there_stays_and_each_file_has_its_readers() {
        let (_folder, keyring) = made();
        let before = text(&keyring);
        assert_eq!(keyring.make(at(1)).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(text(&keyring), before);
        assert!(keyring.list().unwrap().iter().all(|(_, state)| *state == KeyState::Signs));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |file: &Path| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
            assert!(keyring.holders.iter().all(|(_, file)| mode(file) == 0o600));
            assert_eq!(mode(keyring.set_file()), 0o644);
        }
        // One that was lost is made anew; the others stay.
        std::fs::remove_file(keyring.file(&order()).unwrap()).unwrap();
        assert_eq!(keyring.make(at(2)).unwrap(), [keyring.file(&order()).unwrap()]);
        assert_eq!(count(&keyring, &order()), 2);
    }

    #[test]
    fn each_step_waits_for_the_one_before_and_may_be_repeated() {
        for (holder, lifetime) in [(order(), 600), (Holder::Issuer, 90 * 24 * 3_600)] {
            let (_folder, keyring) = made();
            let former = SigningKey::load(keyring.file(&holder).unwrap()).unwrap();
            assert!(keyring.withdraw(&holder, at(0), WAITS).is_err(), "there is none");
            let (next, from) = keyring.publish(&holder, at(100)).unwrap();
            assert_eq!(from, at(160));
            assert_eq!(keyring.publish(&holder, at(130)).unwrap(), (next.clone(), from));
            let error = keyring.sign(&holder, at(159), WAITS).unwrap_err().to_string();
            assert!(error.contains("2027-01-15T08:02:40Z"), "{error}");
            assert_eq!(SigningKey::load(keyring.file(&holder).unwrap()).unwrap().kid(), former.kid());
            let withdrawn_from = at(160 + 60 + lifetime + 5);
            for now in [160, 200] {
                let signed = keyring.sign(&holder, at(now), WAITS).unwrap();
                assert_eq!(signed, (next.clone(), Some(withdrawn_from)));
            }
            assert_eq!(SigningKey::load(keyring.file(&holder).unwrap()).unwrap().kid(), next);
            assert!(keyring.withdraw(&holder, withdrawn_from - Duration::from_secs(1), WAITS).is_err());
            assert_eq!(count(&keyring, &holder), 2);
            assert_eq!(keyring.withdraw(&holder, withdrawn_from, WAITS).unwrap(), [former.kid()]);
            assert_eq!(count(&keyring, &holder), 1);
        }
    }

    #[test]
    fn a_step_that_was_cut_off_is_finished_by_the_next() {
        let (_folder, keyring) = made();
        keyring.publish(&order(), at(0)).unwrap();
        let file = keyring.file(&order()).unwrap();
        std::fs::rename(next(file), file).unwrap();
        let (kid, from) = keyring.sign(&order(), at(60), WAITS).unwrap();
        assert_eq!(kid, SigningKey::load(file).unwrap().kid());
        assert!(from.is_some());
    }

    #[test]
    fn a_key_in_wrong_hands_is_replaced_at_once() {
        let (_folder, keyring) = made();
        let former = SigningKey::load(keyring.file(&order()).unwrap()).unwrap();
        keyring.publish(&order(), at(0)).unwrap();
        keyring.sign(&order(), at(0), Waits::Not).unwrap();
        assert_eq!(keyring.withdraw(&order(), at(0), Waits::Not).unwrap(), [former.kid()]);
    }

    #[test]
    fn a_key_that_nobody_knows_signs_nothing() {
        let (folder, keyring) = made();
        SigningKey::load_or_create(&next(keyring.file(&order()).unwrap())).unwrap();
        let error = keyring.sign(&order(), at(0), Waits::Not).unwrap_err().to_string();
        assert!(error.contains("is not published yet"), "{error}");
        let missing = Keyring::in_folder("my", folder.path());
        let error = missing.publish(&order(), at(0)).unwrap_err().to_string();
        assert!(error.contains("`entrepot keys make` first"), "{error}");
    }
}
