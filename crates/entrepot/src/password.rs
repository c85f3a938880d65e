//! Passwords of databases, apart from their URLs: those that orchestrators mount, so that none stands on a command line.

use anyhow::{Context as _, Result};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Whether a password stands in the URL.
pub(crate) fn is_in(url: &str) -> bool {
    user(url).is_some_and(|user| user.contains(':'))
}

/// Whether the URL says whose a password would be.
pub(crate) fn has_user(url: &str) -> bool {
    user(url).is_some()
}

fn user(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    authority.rsplit_once('@').map(|(user, _)| user)
}

/// The URL with this password.
pub(crate) fn put_into(url: &str, password: &str) -> Result<String> {
    let user = user(url)
        .context("the URL must name the user whose password this is: postgres://USER@HOST/DATABASE")?;
    let (before, after) = url.split_at(url.find("://").map_or(0, |scheme| scheme + "://".len()) + user.len());
    Ok(format!("{before}:{}{after}", utf8_percent_encode(password, NON_ALPHANUMERIC)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_put_where_there_is_none() {
        let put = |url, password| put_into(url, password).unwrap();
        assert_eq!(put("postgres://order@db:5432/order?a=b", "s3"), "postgres://order:s3@db:5432/order?a=b");
        assert_eq!(put("postgres://order@db", "p@ss/w:rd"), "postgres://order:p%40ss%2Fw%3Ard@db");
        assert!(put_into("postgres://db/order", "s3").is_err());
    }

    #[test]
    fn who_is_named_in_a_url_is_seen() {
        assert!(is_in("postgres://order:own@db/order") && !is_in("postgres://order@db/order:x@y"));
        assert!(has_user("postgres://order@db") && !has_user("postgres://db/order@x"));
    }
}
