//! Passwords of databases, from files: those that orchestrators mount, so that none stands on a command line.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The password in a file, without the line's end; `setting` is the option that names the file.
pub(crate) fn read(path: &Path, setting: &str) -> Result<String> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{setting}: cannot read {}", path.display()))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("{setting}: {} is empty", path.display());
    }
    Ok(password.to_owned())
}

/// The URL with the password of this file, unless it has one of its own.
pub(crate) fn put_into(url: String, file: Option<&PathBuf>, setting: &str) -> Result<String> {
    let Some(file) = file else { return Ok(url) };
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", &url));
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    match authority.rsplit_once('@') {
        None => bail!("{setting}: whose password it is must stand in the URL: postgres://USER@HOST/DATABASE"),
        Some((user, _)) if user.contains(':') => Ok(url),
        Some((user, _)) => {
            let (_, rest) = rest.split_at(user.len());
            let password = read(file, setting)?;
            Ok(format!("{scheme}://{user}:{}{rest}", utf8_percent_encode(&password, NON_ALPHANUMERIC)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(url: &str, text: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, text).unwrap();
        put_into(url.to_owned(), Some(&file), "--p").map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_password_is_put_where_there_is_none() {
        let put = |url, text| put(url, text).unwrap();
        assert_eq!(
            put("postgres://order@db:5432/order?a=b", "s3\n"),
            "postgres://order:s3@db:5432/order?a=b"
        );
        assert_eq!(put("postgres://order@db", "p@ss/w:rd"), "postgres://order:p%40ss%2Fw%3Ard@db");
        assert_eq!(put("postgres://order:own@db/order", "other"), "postgres://order:own@db/order");
        assert_eq!(put_into("postgres://db/x".to_owned(), None, "--p").unwrap(), "postgres://db/x");
    }

    #[test]
    fn what_is_wrong_names_the_option() {
        assert!(put("postgres://db/order", "secret").unwrap_err().starts_with("--p: whose"));
        assert!(put("postgres://order@db/order", "\n").unwrap_err().contains("is empty"));
        let missing = Some(PathBuf::from("/nowhere/at/all"));
        let error = put_into("postgres://order@db/order".to_owned(), missing.as_ref(), "--p").unwrap_err();
        assert!(error.to_string().starts_with("--p: cannot read /nowhere"));
    }
}
