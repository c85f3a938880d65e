use jsonwebtoken::Header;

use super::*;
use crate::keys::{CLOCK_SKEW, TOKEN_LIFETIME_MAX};
use crate::{Identity, Issuer, Role};

const HOUR: Duration = Duration::from_secs(3600);

fn issuer() -> Issuer {
    Issuer::new("my", SigningKey::generate().unwrap())
}

fn service(name: &str) -> Identity {
    Identity::in_memory("my", name).unwrap()
}

fn verifier(keys: Vec<PublicKey>) -> TokenVerifier {
    TokenVerifier::new("my", KeySource { in_memory: keys, ..KeySource::default() }).unwrap()
}

fn of_issuer(issuer: &Issuer) -> TokenVerifier {
    verifier(vec![issuer.key().public(Holder::Issuer)])
}

fn claims_of(role: Role, subject: &str) -> Claims {
    Claims::new("my", &Caller::new(role, subject), now_seconds(), 600).unwrap()
}

/// As a token of the release before: without `kid`, `iss` and `aud`.
fn old(key: &SigningKey, role: Role, subject: &str) -> String {
    let claims = Claims { iss: None, aud: None, ..claims_of(role, subject) };
    key.sign_with(&Header::new(Algorithm::EdDSA), &claims).unwrap()
}

fn caller(verifier: &TokenVerifier, token: &str) -> Result<Caller, TokenError> {
    verifier.verify(token).map(|verified| verified.caller)
}

#[test]
fn a_signed_token_names_its_caller_again_and_again() {
    let issuer = issuer();
    let verifier = of_issuer(&issuer);
    let token = issuer.sign(Role::Seller, "seller_1", HOUR).unwrap();
    for _ in 0..2 {
        let verified = verifier.verify(&token).unwrap();
        assert_eq!(verified.caller, Caller::new(Role::Seller, "seller_1"));
        assert!(verified.lasts <= HOUR && verified.lasts > HOUR / 2);
    }
}

#[test]
fn wrong_tokens_are_refused_for_their_reason() {
    let (one, other) = (issuer(), issuer());
    let verifier = of_issuer(&one);
    let token = one.sign(Role::Buyer, "buyer_1", HOUR).unwrap();
    assert_eq!(caller(&of_issuer(&other), &token), Err(TokenError::Invalid));
    assert_eq!(caller(&verifier, "nonsense"), Err(TokenError::Invalid));
    let mut forged = token.clone();
    forged.replace_range(
        token.len() - 6..token.len() - 5,
        if token.as_bytes()[token.len() - 6] == b'A' { "B" } else { "A" },
    );
    assert_eq!(caller(&verifier, &forged), Err(TokenError::Invalid));

    let th = KeySource { in_memory: vec![one.key().public(Holder::Issuer)], ..KeySource::default() };
    let th = TokenVerifier::new("th", th).unwrap();
    assert_eq!(caller(&th, &token), Err(TokenError::OtherHub));

    let now = now_seconds();
    assert_eq!(of_time(&one, now - 69, now - 60, None), Err(TokenError::Expired));
    assert!(matches!(one.sign(Role::Buyer, "a b", HOUR), Err(Error::Subject)));
}

/// What becomes of a token with these times.
fn of_time(issuer: &Issuer, iat: u64, exp: u64, nbf: Option<u64>) -> Result<Caller, TokenError> {
    let claims = Claims { iat, exp, nbf, ..claims_of(Role::Buyer, "b") };
    caller(&of_issuer(issuer), &issuer.key().sign(&claims).unwrap())
}

#[test]
fn a_token_has_its_time_and_no_more_than_is_allowed() {
    let issuer = issuer();
    let (now, most) = (now_seconds(), TOKEN_LIFETIME_MAX.as_secs());
    assert!(of_time(&issuer, now, now + most, Some(now)).is_ok());
    assert!(of_time(&issuer, now + 2, now + 60, Some(now + 2)).is_ok(), "clocks may differ");
    assert_eq!(of_time(&issuer, now, now + most + 1, None), Err(TokenError::LastsTooLong));
    assert_eq!(of_time(&issuer, now, u64::MAX, None), Err(TokenError::LastsTooLong));
    assert_eq!(of_time(&issuer, 0, now + 60, None), Err(TokenError::LastsTooLong));
    assert_eq!(of_time(&issuer, now, now + 600, Some(now + 300)), Err(TokenError::NotYet));
    // Its beginning is not put off to make it last.
    assert_eq!(of_time(&issuer, now + most, now + 2 * most, None), Err(TokenError::NotYet));
    assert_eq!(of_time(&issuer, now + CLOCK_SKEW.as_secs() - 2, now + 1, None), Err(TokenError::Invalid));
    for ttl in [Duration::ZERO, Duration::from_millis(999), TOKEN_LIFETIME_MAX + HOUR] {
        assert!(matches!(issuer.sign(Role::Buyer, "b", ttl), Err(Error::Lifetime)), "{ttl:?}");
    }
    let longest = issuer.sign(Role::Buyer, "b", TOKEN_LIFETIME_MAX).unwrap();
    assert!(caller(&of_issuer(&issuer), &longest).is_ok());
}

#[test]
fn a_services_key_signs_for_itself_alone() {
    let order = service("order");
    let verifier = verifier(vec![order.public(), service("payment").public()]);
    assert_eq!(caller(&verifier, &order.token().unwrap()), Ok(Caller::new(Role::Service, "order")));
    let people = Role::ALL.into_iter().filter(|role| *role != Role::Service).map(|role| (role, "order"));
    for (role, subject) in people.chain([(Role::Service, "payment"), (Role::Service, "stranger")]) {
        let forged = order.key().sign(&claims_of(role, subject)).unwrap();
        assert_eq!(caller(&verifier, &forged), Err(TokenError::Invalid), "{role} {subject}");
        // Nor by saying that it is of the release before.
        assert_eq!(caller(&verifier, &old(&order.key(), role, subject)), Err(TokenError::Invalid), "{role}");
    }
}

#[test]
fn the_issuers_key_signs_for_no_service() {
    let issuer = issuer();
    let verifier = of_issuer(&issuer);
    assert!(matches!(issuer.sign(Role::Service, "order", HOUR), Err(Error::ServiceRole)));
    let forged = issuer.key().sign(&claims_of(Role::Service, "order")).unwrap();
    assert_eq!(caller(&verifier, &forged), Err(TokenError::Invalid));
    assert_eq!(caller(&verifier, &old(issuer.key(), Role::Service, "order")), Err(TokenError::Invalid));
}

#[test]
fn issuer_and_audience_are_those_of_the_role() {
    let issuer = issuer();
    let verifier = of_issuer(&issuer);
    let fine = claims_of(Role::Operator, "ops");
    let text = |text: &str| Some(text.to_owned());
    for wrong in [
        Claims { iss: text("entrepot/th"), ..fine.clone() },
        Claims { iss: None, ..fine.clone() },
        Claims { aud: text("entrepot/my/internal"), ..fine.clone() },
        Claims { aud: None, ..fine.clone() },
    ] {
        assert_eq!(caller(&verifier, &issuer.key().sign(&wrong).unwrap()), Err(TokenError::Invalid));
    }
    assert!(caller(&verifier, &issuer.key().sign(&fine).unwrap()).is_ok());
}

#[test]
fn a_token_of_the_release_before_is_good_until_it_expires() {
    let (before, now) = (issuer(), issuer());
    let both = [&before, &now].map(|issuer| issuer.key().public(Holder::Issuer));
    let verifier = verifier(both.to_vec());
    for issuer in [&before, &now] {
        let token = old(issuer.key(), Role::Buyer, "aisyah");
        assert_eq!(caller(&verifier, &token), Ok(Caller::new(Role::Buyer, "aisyah")));
    }
    let stranger = old(&SigningKey::generate().unwrap(), Role::Buyer, "aisyah");
    assert_eq!(caller(&verifier, &stranger), Err(TokenError::Invalid));
}

#[test]
fn a_key_that_all_processes_share_signs_whatever_they_need() {
    let shared = SigningKey::generate().unwrap();
    let verifier = verifier(vec![shared.public(Holder::Shared)]);
    for (role, subject) in [(Role::Operator, "ops"), (Role::Service, "order")] {
        assert!(caller(&verifier, &old(&shared, role, subject)).is_ok(), "{role}");
        assert!(caller(&verifier, &shared.sign(&claims_of(role, subject)).unwrap()).is_ok(), "{role}");
    }
}

/// A folder with a set of public keys, and a verifier that reads it.
struct Files {
    folder: tempfile::TempDir,
    verifier: TokenVerifier,
}

impl Files {
    fn new(keys: &[PublicKey]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let set = SetFile { path: folder.path().join("jwks.json"), required: true };
        write(&set.path, keys);
        let source = KeySource { set: Some(set), ..KeySource::default() };
        Self { verifier: TokenVerifier::new("my", source).unwrap(), folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("jwks.json")
    }
}

fn write(path: &std::path::Path, keys: &[PublicKey]) {
    let mut set = KeySet::default();
    for key in keys {
        set.insert(key.clone());
    }
    set.write(path).unwrap();
}

#[test]
fn a_set_that_is_missing_damaged_or_empty_changes_nothing_and_is_named() {
    let issuer = issuer();
    let files = Files::new(&[issuer.key().public(Holder::Issuer)]);
    let whole = std::fs::read_to_string(files.path()).unwrap();
    for damaged in [&whole[..whole.len() / 2], "", "{\"keys\":[]}", "no JSON"] {
        std::fs::write(files.path(), damaged).unwrap();
        let error = files.verifier.refresh().unwrap_err().to_string();
        let begins = format!("the file of public keys {} cannot be used: ", files.path().display());
        assert!(error.starts_with(&begins), "{error}");
        let token = issuer.sign(Role::Buyer, "aisyah", HOUR).unwrap();
        assert!(files.verifier.verify(&token).is_ok(), "{damaged}");
    }
    std::fs::remove_file(files.path()).unwrap();
    assert!(files.verifier.refresh().is_err());
    assert!(files.verifier.verify(&issuer.sign(Role::Buyer, "b", HOUR).unwrap()).is_ok());
    let source =
        KeySource { set: Some(SetFile { path: files.path(), required: true }), ..KeySource::default() };
    assert!(matches!(TokenVerifier::new("my", source), Err(Error::Set { .. })), "a start wants it");
}

#[test]
fn a_withdrawn_key_takes_what_was_remembered_with_it() {
    let (withdrawn, kept) = (issuer(), issuer());
    let both = [&withdrawn, &kept].map(|issuer| issuer.key().public(Holder::Issuer));
    let files = Files::new(&both);
    let token = withdrawn.sign(Role::Operator, "ops", HOUR).unwrap();
    assert!(files.verifier.verify(&token).is_ok());
    write(&files.path(), &both[1..]);
    assert!(files.verifier.verify(&token).is_ok(), "it is not known yet");
    files.verifier.refresh().unwrap();
    assert_eq!(caller(&files.verifier, &token), Err(TokenError::Invalid));
    assert!(files.verifier.verify(&kept.sign(Role::Operator, "ops", HOUR).unwrap()).is_ok());
}

#[test]
fn an_unknown_key_is_looked_for_once_and_not_again_at_once() {
    let (first, second, third) = (issuer(), issuer(), issuer());
    let public = |issuer: &Issuer| issuer.key().public(Holder::Issuer);
    let files = Files::new(&[public(&first)]);
    write(&files.path(), &[public(&first), public(&second)]);
    let token = |issuer: &Issuer| issuer.sign(Role::Buyer, "aisyah", HOUR).unwrap();
    assert!(files.verifier.verify(&token(&second)).is_ok());
    // The next one is not looked for at once: nobody has the files read at each of his calls.
    write(&files.path(), &[public(&first), public(&second), public(&third)]);
    assert_eq!(caller(&files.verifier, &token(&third)), Err(TokenError::Invalid));
    *files.verifier.0.read_for_unknown.lock().unwrap() = Instant::now().checked_sub(UNKNOWN_KEY_READ_EVERY);
    assert!(files.verifier.verify(&token(&third)).is_ok());
}

#[test]
fn what_is_remembered_is_bounded() {
    let issuer = issuer();
    let verifier = of_issuer(&issuer);
    for number in 0..REMEMBERED_MAX / 100 {
        verifier.verify(&issuer.sign(Role::Buyer, &format!("b{number}"), HOUR).unwrap()).unwrap();
    }
    let keys = verifier.current();
    keys.remembered.run_pending_tasks();
    assert_eq!(keys.remembered.entry_count(), REMEMBERED_MAX / 100);
    assert_eq!(keys.remembered.policy().max_capacity(), Some(REMEMBERED_MAX));
}
