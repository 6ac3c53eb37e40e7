//! Quicgate: an edge gateway that puts QUIC first.
//!
//! QUIC listeners on UDP and listeners on TCP feed one request model that knows no version; routes lead it to clusters; a
//! pool carries it to a host over HTTP/1.1, HTTP/2 or HTTP/3 and brings the response back as a stream. What is configured is
//! written in Envoy's v3 API, and what is logged, counted and shown by the admin interface has Envoy's names.
//!
//! # The house
//!
//! A module imports only from floors below it; siblings never import each other. `tests/floors.rs` holds it.
//!
//! | floor | module | what it is |
//! |---|---|---|
//! | 11 | [`server`], [`probe`] | boot, signals, workers; a small client |
//! | 10 | [`admin`] | look at it |
//! | 9 | [`listener`] | accept, handshake |
//! | 8 | [`hcm`] | the HTTP connection manager: one exchange from head to end |
//! | 7 | | kept for filters: the router, which ends every chain, is all there is yet |
//! | 6 | [`router`], [`upstream`] | which route? which host, which connection? |
//! | 5 | [`codec`] | HTTP/1.1, HTTP/2, HTTP/3 on the wire, on either side |
//! | 4 | [`quic`] | QUIC endpoints, of listeners and towards upstreams |
//! | 3 | [`tls`] | TLS for TCP and QUIC, on either side |
//! | 2 | [`observe`], [`matcher`] | statistics, access logs, the process's log; conditions on texts |
//! | 1 | [`config`] | Envoy v3 messages as written, every fault at its line |
//! | 0 | [`net`], [`http`], [`drain`], [`files`] | sockets; the message and its failures; who must stop; files that change |
//!
//! Three knots are cut on purpose. `router` is generic over its payload: it finds, it does not know clusters. A
//! `typed_config` stays packed in `config`; whoever owns the extension unpacks it. [`http::Failure`] stands on floor 0:
//! each floor maps its own errors into it, and only `hcm::reply` and the codecs map it out, to a status, a response flag
//! or a wire code.
//!
//! # From a file to a running gateway
//!
//! [`config::read`] makes typed messages of texts, strictly: of files, or of what [`server::short_form`] writes for a few
//! options. The `build` functions of the floors make running types of messages: pure, no socket, no task; both together are
//! `--mode validate`. `server` then binds every socket on the main thread, so that what cannot be had is known before anything
//! serves, and starts the workers.
//!
//! # Workers share nothing
//!
//! `--concurrency` workers, each a thread with a runtime of its own. A connection stays on its worker for life. Each
//! worker has its own listening sockets (`SO_REUSEPORT`), its own quinn endpoints and its own upstream pools
//! ([`hcm::Worker`]). What they share is never changed (routes, clusters, TLS configurations) or is an atomic counter. The
//! exceptions are what hosts have announced of HTTP/3, which is replaced as a whole when they announce something else
//! ([`upstream::Alternatives`]), the store of TLS sessions, locked in parts and a few times a handshake, the log of address
//! tokens that were used, locked once for a handshake that has one, and the queues for datagrams of QUIC that came to another
//! worker than the one whose connection they belong to. The main thread does what is rare: signals, admin. TLS configurations whose certificates are
//! in files that change are made anew on a thread of their own, and swapped.
//!
//! # The way of a connection
//!
//! A connection has one filter chain for life, which says what it is encrypted with and what serves it. `listener/chain` finds
//! it by what is known before anything is answered: addresses, and what the client says first. On TCP that is read ahead and
//! put back; on QUIC, where TLS is inside of quinn, a TLS session that waits for the first message goes on as the one of the
//! chain (`quic/crypto`). Below a QUIC endpoint lie, from the kernel up: steering to the right worker (`quic/steer`), the ledger
//! that keeps what goes to an address that nobody has shown to be his own within three times of what came (`quic/ledger`), and
//! a net for panics (`quic/caught`).
//!
//! # The way of a request
//!
//! ```text
//! listener/quic ─ chain, handshake ──┐
//! listener/tcp ─ chain, TLS, ALPN ───┤
//!                                    ▼
//!   codec/{h1,h2,h3}/server ── Handler ── hcm/connection ── hcm/exchange
//!                                                            │ admit, sanitise, route
//!                                  hcm/respond ◀─ redirect ──┤
//!                                  (local replies) ◀─ direct ┤
//!                                                            ▼
//!                                        hcm/forward ── upstream/pool ── codec/{h1,h2,h3}/client
//!                                                            │
//!   codec pump or hyper ◀── hcm/body (counts, times, ends) ◀─┘
//! ```
//!
//! [`http::Body`] is one streaming body of data and trailers, polled by whoever writes it on, so flow control is the
//! backpressure from end to end: no channel and no buffer stands in between. Each stream of HTTP/2 and HTTP/3 is a task; its
//! head is read inside, so a client that stalls one stream delays no other. A response that breaks off is a reset, or on
//! HTTP/1 a closed connection: never a clean end. Interim responses go beside the answer: the client codec hands each head to
//! [`codec::Interims`], `hcm/interim` decides, and the server codec takes it from a bounded [`codec::Inbox`]. A request to an
//! upstream runs in the task of its exchange; what is left of an HTTP/2 or HTTP/3 upload when the response begins goes on in a
//! task that ends with the response. A request in early data says so ([`http::EarlyData`]), and its route decides whether it goes
//! upstream before the handshake is over. `hcm/account` keeps what is
//! counted and logged, and closes when the last byte went out, when something failed, or when the client left.
//!
//! What asks for a tunnel (CONNECT, extended CONNECT, an upgrade of HTTP/1) is one kind of request ([`http::AskedTunnel`]): it goes
//! upstream without content, and where a client codec gets it granted, the response says where the client's side goes
//! ([`http::Tunnel`]). From then on the two directions are tasks of their own, and the exchange is over with the second
//! (`hcm/tunnel`).
//!
//! # The end
//!
//! SIGTERM, SIGINT and `/quitquitquit` begin [`drain`]: accepting stops, HTTP/2 and HTTP/3 connections get GOAWAY, HTTP/1
//! connections close after their response, and the process ends with the last exchange or after `--drain-time-s`. Upstreams
//! of HTTP/2 and HTTP/3 are told last that their connections are over.

pub mod admin;
pub mod codec;
pub mod config;
pub mod drain;
pub mod files;
pub mod hcm;
pub mod http;
pub mod listener;
pub mod matcher;
pub mod net;
pub mod observe;
pub mod probe;
pub mod quic;
pub mod router;
pub mod server;
pub mod tls;
pub mod upstream;
