//! Pages of lists: keyset positions in opaque tokens, bound to the caller and the filter.
//!
//! A token says where the page before ended, so that inserts neither skip nor repeat a row. The binding is a hash,
//! not a secret: a position reveals nothing that the list does not, and a token used with another filter or by
//! another caller is a mistake that is told.

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use proto::Paged;
use proto::convert::Invalid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::{Caller, Violations};

/// Rows of a page when the client does not say.
pub const SIZE_DEFAULT: i64 = 50;
/// The most rows of a page.
pub const SIZE_MAX: i64 = 200;
/// The most bytes that the rows of a page have, encoded: with the token and what else an answer holds it stays under
/// [`crate::MESSAGE_BYTES_MAX`]. So a page may be shorter than requested.
pub const BYTES_MAX: usize = 960 * 1024;
/// The most bytes that stand before a row in a message: its tag and its length.
const ROW_PREFIX_BYTES: usize = 6;
/// The longest token that is looked at, in characters.
const TOKEN_CHARACTERS_MAX: usize = 2_000;
/// Bytes of the binding in a token.
const BINDING_BYTES: usize = 12;

/// A page that a client asks for, positioned by a `K`: what the list is ordered by.
#[derive(Debug, Clone)]
pub struct Page<K> {
    /// Rows of the page.
    pub size: i64,
    /// The last row of the page before; `None` for the first page.
    pub after: Option<K>,
    binding: Vec<u8>,
}

impl<K: Serialize + DeserializeOwned> Page<K> {
    /// Reads `page_size` and `page_token`. `filter` is everything else that selects the rows.
    pub fn of<M: Paged>(
        caller: Option<&Caller>,
        asked: &M,
        filter: &[&str],
        violations: &mut Violations,
    ) -> Option<Self> {
        let (size, token) = asked.page();
        let size = match i64::from(size) {
            0 => SIZE_DEFAULT,
            size => {
                let problem = || format!("{size} must be 1 to {SIZE_MAX}, or 0 for {SIZE_DEFAULT}");
                let right = Some(size).filter(|size| (1..=SIZE_MAX).contains(size));
                violations.take(right.ok_or_else(|| Invalid::new("page_size", problem()))).unwrap_or_default()
            }
        };
        let binding = binding(caller, M::RPC, filter);
        let after = if token.is_empty() { None } else { Some(violations.take(read(token, &binding))?) };
        Some(Self { size, after, binding })
    }

    /// Rows to ask the store for: one more than the page, which tells whether another follows.
    pub fn limit(&self) -> i64 {
        self.size + 1
    }

    /// Encodes rows until the page is full, by their number or by [`BYTES_MAX`]; one row is always there. The second is
    /// the token of the next page, empty at the end.
    pub fn fill<T, M: Message>(
        &self,
        rows: Vec<T>,
        position: impl Fn(&T) -> K,
        encode: impl Fn(T) -> M,
    ) -> (Vec<M>, String) {
        self.fill_short(rows, false, position, encode)
    }

    /// As [`Page::fill`], of rows that the store may have cut short by itself: `more` says whether others follow them.
    pub fn fill_short<T, M: Message>(
        &self,
        rows: Vec<T>,
        more: bool,
        position: impl Fn(&T) -> K,
        encode: impl Fn(T) -> M,
    ) -> (Vec<M>, String) {
        let filled = self.filled(rows, more, position, |row| Ok::<_, Infallible>(encode(row)));
        filled.unwrap_or_else(|never| match never {})
    }

    /// As [`Page::fill`], of rows that may fail to be encoded.
    pub fn try_fill<T, M: Message, E>(
        &self,
        rows: Vec<T>,
        position: impl Fn(&T) -> K,
        encode: impl Fn(T) -> Result<M, E>,
    ) -> Result<(Vec<M>, String), E> {
        self.filled(rows, false, position, encode)
    }

    fn filled<T, M: Message, E>(
        &self,
        rows: Vec<T>,
        more: bool,
        position: impl Fn(&T) -> K,
        encode: impl Fn(T) -> Result<M, E>,
    ) -> Result<(Vec<M>, String), E> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let (mut filled, mut bytes, mut last) = (Vec::new(), 0_usize, None);
        for row in rows {
            if filled.len() >= size {
                return Ok((filled, self.token_after(last)));
            }
            let at = position(&row);
            let message = encode(row)?;
            bytes = bytes.saturating_add(message.encoded_len() + ROW_PREFIX_BYTES);
            if bytes > BYTES_MAX && !filled.is_empty() {
                return Ok((filled, self.token_after(last)));
            }
            filled.push(message);
            last = Some(at);
        }
        let token = if more { self.token_after(last) } else { String::new() };
        Ok((filled, token))
    }

    fn token_after(&self, last: Option<K>) -> String {
        last.map(|last| self.token(&last)).unwrap_or_default()
    }

    fn token(&self, position: &K) -> String {
        let mut bytes = self.binding.clone();
        // A position is a tuple of numbers and texts, which always has a JSON form.
        bytes.extend(serde_json::to_vec(position).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

fn binding(caller: Option<&Caller>, rpc: &str, filter: &[&str]) -> Vec<u8> {
    let mut hash = Sha256::new();
    let principal = caller.map(Caller::principal).unwrap_or_default();
    for part in [principal.as_str(), rpc].into_iter().chain(filter.iter().copied()) {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().copied().take(BINDING_BYTES).collect()
}

fn read<K: DeserializeOwned>(token: &str, binding: &[u8]) -> Result<K, Invalid> {
    let wrong = |problem: &str| Invalid::new("page_token", problem);
    if token.len() > TOKEN_CHARACTERS_MAX {
        return Err(wrong("is not a page token of this hub"));
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong("is not a page token of this hub"))?;
    let position = bytes.strip_prefix(binding).ok_or_else(|| {
        wrong("belongs to another list: use it with the same filter and by the same caller as the list it came from")
    })?;
    serde_json::from_slice(position).map_err(|_| wrong("is not a page token of this hub"))
}

#[cfg(test)]
mod tests {
    use proto::payment::internal::v1::ListSuspenseRequest;
    use tonic::Status;

    use super::*;
    use crate::{Role, status};

    fn of(caller: Option<&Caller>, filter: &[&str], size: i32, token: &str) -> Result<Page<i64>, Status> {
        let asked = ListSuspenseRequest { page_size: size, page_token: token.to_owned() };
        Violations::of(|violations| Page::of(caller, &asked, filter, violations))
    }

    fn page(token: &str, subject: &str, filter: &str) -> Result<Page<i64>, Status> {
        of(Some(&Caller::new(Role::Buyer, subject)), &[filter], 2, token)
    }

    fn numbers(page: &Page<i64>, rows: Vec<i64>) -> (Vec<i64>, String) {
        page.fill(rows, |row| *row, |row| row)
    }

    #[test]
    fn a_token_leads_on_for_its_caller_and_filter_only() {
        let (rows, token) = numbers(&page("", "a", "x").unwrap(), vec![1, 2, 3]);
        assert_eq!(rows, [1, 2]);
        assert_eq!(page(&token, "a", "x").unwrap().after, Some(2));
        for wrong in
            [page(&token, "b", "x"), page(&token, "a", "y"), page("nonsense", "a", "x"), page("?", "a", "x")]
        {
            assert_eq!(status::fields(&wrong.unwrap_err()), ["page_token"]);
        }
        assert_eq!(numbers(&page("", "a", "x").unwrap(), vec![1, 2]).1, "");
    }

    #[test]
    fn a_page_is_bounded_by_bytes_and_every_row_comes_once() {
        let texts: Vec<(i64, String)> =
            (0..60).map(|number| (number, "x".repeat(usize::try_from(number).unwrap() * 4_000))).collect();
        let (mut token, mut seen) = (String::new(), Vec::new());
        loop {
            let page = of(None, &[], 50, &token).unwrap();
            let after = page.after.unwrap_or(-1);
            let limit = usize::try_from(page.limit()).unwrap();
            let rows: Vec<_> = texts.iter().filter(|(at, _)| *at > after).take(limit).cloned().collect();
            let (filled, next) = page.fill(rows, |(at, _)| *at, |(_, text)| text);
            assert!(!filled.is_empty() && filled.len() <= 50);
            assert!(filled.iter().map(Message::encoded_len).sum::<usize>() < crate::MESSAGE_BYTES_MAX);
            seen.extend(filled.iter().map(String::len));
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!(seen, texts.iter().map(|(_, text)| text.len()).collect::<Vec<_>>());
    }

    #[test]
    fn a_row_over_the_bound_comes_alone_and_what_a_store_cut_short_goes_on() {
        let page = of(None, &[], 0, "").unwrap();
        let (filled, token) = page.fill(vec![1, 2], |at| *at, |_| "x".repeat(2 * BYTES_MAX));
        assert_eq!((filled.len(), token.is_empty()), (1, false));
        let (filled, token) = page.fill_short(vec![1, 2], true, |at| *at, |at| at);
        assert_eq!((filled, token.is_empty()), (vec![1, 2], false));
        assert_eq!(of(None, &[], 0, &token).unwrap().after, Some(2));
    }

    #[test]
    fn a_size_is_bounded() {
        for size in [-1, 201] {
            let refused = of(None, &[], size, "").unwrap_err();
            assert_eq!(status::fields(&refused), ["page_size"]);
        }
        assert_eq!(of(None, &[], 0, "").unwrap().size, SIZE_DEFAULT);
        assert_eq!(status::fields(&of(None, &[], 201, "?").unwrap_err()), ["page_size", "page_token"]);
    }
}
