//! A connection from outside, and when it has lasted long enough.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::budget::ByteBudget;
use crate::{Limits, address};

/// Who has sent less has not begun to speak: HTTP/2 begins with so many bytes, and no HTTP/1.1 request has fewer.
const PREFACE_BYTES: usize = 24;
/// How long a connection that was told to leave may take when no call is open.
const LEAVE_MAX: Duration = Duration::from_secs(10);

/// What is known of a connection.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Who is at its other end: a client, or a proxy.
    pub(crate) peer: IpAddr,
    /// The bytes that its calls hold.
    pub(crate) account: Arc<ByteBudget>,
    /// Whether it carries the calls of many: then it is not bounded as one client, and not cut off for one of them.
    is_proxy: bool,
    /// Whether it may be kept ready without a call: that of a proxy, or of another service.
    may_wait: bool,
    begun: Instant,
    state: Mutex<ConnectionState>,
}

#[derive(Debug)]
struct ConnectionState {
    heard_bytes: usize,
    /// Whether a request has come.
    was_asked: bool,
    calls: usize,
    /// Since when no call is open.
    idle_since: Instant,
    /// Answers of which a part was handed over, and since when nobody asked for the next.
    unread: BTreeMap<u64, Instant>,
    answers: u64,
    /// Since when the socket takes nothing.
    blocked_since: Option<Instant>,
    left_at: Option<Instant>,
}

/// What is to become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionFate {
    Stays,
    /// It takes no new calls; those that are open end.
    Leaves,
    /// It is cut off, for this reason.
    Cut(&'static str),
}

impl Connection {
    pub(crate) fn new(peer: IpAddr, limits: &Limits, is_public: bool) -> Arc<Self> {
        let begun = Instant::now();
        let state = ConnectionState {
            heard_bytes: 0,
            was_asked: false,
            calls: 0,
            idle_since: begun,
            unread: BTreeMap::new(),
            answers: 0,
            blocked_since: None,
            left_at: None,
        };
        let is_proxy = address::is_proxy(&limits.trusted_proxies, peer);
        let most = if is_proxy { limits.process_bytes } else { limits.connection_bytes };
        let account = ByteBudget::new("connection", most);
        let may_wait = is_proxy || !is_public;
        Arc::new(Self { peer, account, is_proxy, may_wait, begun, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, ConnectionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has come, with all its headers.
    pub(crate) fn asked(&self) {
        self.state().was_asked = true;
    }

    /// A call begins; it ends when it is dropped.
    pub(crate) fn call(self: &Arc<Self>) -> Call {
        self.state().calls += 1;
        Call(self.clone())
    }

    /// An answer begins; it ends when it is dropped.
    pub(crate) fn answer(self: &Arc<Self>) -> Writing {
        let mut state = self.state();
        state.answers += 1;
        let number = state.answers;
        state.unread.insert(number, Instant::now());
        drop(state);
        Writing { connection: self.clone(), number }
    }

    /// What is to become of it now.
    pub(crate) fn judge(&self, limits: &Limits, now: Instant) -> ConnectionFate {
        let mut state = self.state();
        let since = |then: Instant| now.saturating_duration_since(then);
        let age = since(self.begun);
        if state.heard_bytes < PREFACE_BYTES && state.answers == 0 && age >= limits.first_frame() {
            return ConnectionFate::Cut("silent");
        }
        let asks_nothing = !state.was_asked && !self.may_wait;
        if asks_nothing && age >= limits.first_frame() * 2 {
            return ConnectionFate::Cut("silent");
        }
        let unread = state.unread.values().filter(|_| !self.is_proxy).chain(&state.blocked_since).min();
        if unread.is_some_and(|then| since(*then) >= limits.write()) {
            return ConnectionFate::Cut("unread");
        }
        // Streams end by themselves once they are as old.
        if age >= limits.age() * 2 + LEAVE_MAX {
            return ConnectionFate::Cut("age");
        }
        if let Some(left_at) = state.left_at {
            let is_over = state.calls == 0 && since(left_at.max(state.idle_since)) >= LEAVE_MAX;
            return if is_over { ConnectionFate::Cut("idle") } else { ConnectionFate::Stays };
        }
        let is_idle = state.calls == 0 && since(state.idle_since) >= limits.idle();
        if is_idle || age >= limits.age() || (asks_nothing && age >= limits.first_frame()) {
            state.left_at = Some(now);
            return ConnectionFate::Leaves;
        }
        ConnectionFate::Stays
    }

    fn heard(&self, bytes: usize) {
        let mut state = self.state();
        state.heard_bytes = state.heard_bytes.saturating_add(bytes);
    }

    fn blocked(&self, is_blocked: bool) {
        let mut state = self.state();
        if !is_blocked {
            state.blocked_since = None;
        } else if state.blocked_since.is_none() {
            state.blocked_since = Some(Instant::now());
        }
    }
}

/// A call that is open.
#[derive(Debug)]
pub(crate) struct Call(Arc<Connection>);

impl Drop for Call {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.calls = state.calls.saturating_sub(1);
        state.idle_since = Instant::now();
    }
}

/// An answer on its way.
#[derive(Debug)]
pub(crate) struct Writing {
    connection: Arc<Connection>,
    number: u64,
}

impl Writing {
    /// A part was handed over: from now on it is the client who has to read.
    pub(crate) fn handed_over(&self) {
        self.connection.state().unread.insert(self.number, Instant::now());
    }

    /// The client has read all there is so far.
    pub(crate) fn waits(&self) {
        self.connection.state().unread.remove(&self.number);
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.waits();
    }
}

/// The socket of a connection, which notes what it hears and when it is blocked.
pub(crate) struct Socket<S> {
    inner: S,
    connection: Arc<Connection>,
    was_blocked: bool,
}

impl<S> Socket<S> {
    pub(crate) fn new(inner: S, connection: Arc<Connection>) -> Self {
        Self { inner, connection, was_blocked: false }
    }

    fn note<T>(&mut self, written: &Poll<T>) {
        let is_blocked = written.is_pending();
        if is_blocked || self.was_blocked {
            self.connection.blocked(is_blocked);
        }
        self.was_blocked = is_blocked;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if read.is_ready() {
            self.connection.heard(buffer.filled().len().saturating_sub(before));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.note(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bytes);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> (Arc<Connection>, Limits, Instant) {
        let limits = Limits::default();
        let connection = Connection::new(IpAddr::from([127, 0, 0, 1]), &limits, true);
        let begun = connection.begun;
        (connection, limits, begun)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn one_that_does_not_speak_is_cut_off() {
        let (connection, limits, begun) = connection();
        connection.heard(PREFACE_BYTES - 1);
        assert_eq!(connection.judge(&limits, begun + 9 * SECOND), ConnectionFate::Stays);
        assert_eq!(connection.judge(&limits, begun + 10 * SECOND), ConnectionFate::Cut("silent"));
        connection.heard(1);
        connection.asked();
        assert_eq!(connection.judge(&limits, begun + 10 * SECOND), ConnectionFate::Stays);
    }

    #[test]
    fn one_that_asks_nothing_leaves_and_is_cut_off_unless_it_is_kept_ready() {
        let (connection, limits, begun) = connection();
        connection.heard(PREFACE_BYTES + 9);
        assert_eq!(connection.judge(&limits, begun + 9 * SECOND), ConnectionFate::Stays);
        assert_eq!(connection.judge(&limits, begun + 10 * SECOND), ConnectionFate::Leaves);
        assert_eq!(connection.judge(&limits, begun + 19 * SECOND), ConnectionFate::Stays);
        assert_eq!(connection.judge(&limits, begun + 20 * SECOND), ConnectionFate::Cut("silent"));
        let trusted = Limits { trusted_proxies: vec!["127.0.0.1".parse().unwrap()], ..limits.clone() };
        for (limits, is_public) in [(trusted, true), (limits, false)] {
            let ready = Connection::new(connection.peer, &limits, is_public);
            ready.heard(PREFACE_BYTES);
            assert_eq!(ready.judge(&limits, ready.begun + 200 * SECOND), ConnectionFate::Stays);
        }
    }

    #[test]
    fn one_without_calls_leaves_and_one_with_a_call_stays() {
        let (connection, limits, begun) = connection();
        connection.heard(PREFACE_BYTES);
        connection.asked();
        let call = connection.call();
        assert_eq!(connection.judge(&limits, begun + 400 * SECOND), ConnectionFate::Stays);
        drop(call);
        let ended = Instant::now();
        assert_eq!(connection.judge(&limits, ended + 299 * SECOND), ConnectionFate::Stays);
        assert_eq!(connection.judge(&limits, ended + 301 * SECOND), ConnectionFate::Leaves);
        assert_eq!(connection.judge(&limits, ended + 302 * SECOND), ConnectionFate::Stays);
        assert_eq!(connection.judge(&limits, ended + 320 * SECOND), ConnectionFate::Cut("idle"));
    }

    #[test]
    fn an_old_one_leaves_once_and_is_cut_off_when_its_streams_have_had_their_time() {
        let (connection, limits, begun) = connection();
        connection.heard(PREFACE_BYTES);
        connection.asked();
        let _call = connection.call();
        assert_eq!(connection.judge(&limits, begun + 3_600 * SECOND), ConnectionFate::Leaves);
        assert_eq!(connection.judge(&limits, begun + 7_000 * SECOND), ConnectionFate::Stays);
        assert_eq!(connection.judge(&limits, begun + 7_210 * SECOND), ConnectionFate::Cut("age"));
    }

    #[test]
    fn an_answer_that_is_not_read_cuts_it_off_and_one_that_waits_for_news_does_not() {
        let (connection, limits, _) = connection();
        connection.heard(PREFACE_BYTES);
        connection.asked();
        let (_call, answer) = (connection.call(), connection.answer());
        let now = Instant::now();
        assert_eq!(connection.judge(&limits, now + 31 * SECOND), ConnectionFate::Cut("unread"));
        answer.waits();
        assert_eq!(connection.judge(&limits, now + 31 * SECOND), ConnectionFate::Stays);
        answer.handed_over();
        assert_eq!(connection.judge(&limits, now + 32 * SECOND), ConnectionFate::Cut("unread"));
        // Of a proxy it is one client of many.
        let limits = Limits { trusted_proxies: vec!["127.0.0.1".parse().unwrap()], ..limits };
        let proxy = Connection::new(connection.peer, &limits, true);
        proxy.heard(PREFACE_BYTES);
        proxy.asked();
        let _answer = proxy.answer();
        assert_eq!(proxy.judge(&limits, now + 32 * SECOND), ConnectionFate::Stays);
        drop(answer);
        connection.blocked(true);
        connection.blocked(true);
        assert_eq!(connection.judge(&limits, now + 32 * SECOND), ConnectionFate::Cut("unread"));
        connection.blocked(false);
        assert_eq!(connection.judge(&limits, now + 32 * SECOND), ConnectionFate::Stays);
    }
}
