//! The life of the gateway: start, wait, stop.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;

use super::banner::Banner;
use super::boot::{self, Built, Process, Sockets};
use super::cli::{ErrorFormat, Mode, Serve};
use super::defaults::Demo;
use super::signals::{Asked, Signals};
use super::workers::Workers;
use super::{complain, demo};
use crate::admin::{Admin, Command};
use crate::config::{Report, Source};
use crate::drain::Drain;
use crate::net::raise_file_limit;
use crate::observe::log::Logs;
use crate::tls::Reread;

/// Serves, or validates, as the command line asks.
pub(super) fn serve(options: &Serve) -> ExitCode {
    let began = Instant::now();
    let logs = match options.logs() {
        Ok(logs) => logs,
        Err(message) => return complain(&message),
    };
    let without_effect = options.envoy.without_effect();
    if !without_effect.is_empty() {
        tracing::warn!("taken as Envoy's, but without effect here: {}", without_effect.join(", "));
    }
    // rustls asks for one provider a process; every configuration here names it as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    if options.mode == Mode::Validate {
        return validate(options);
    }
    let files = raise_file_limit();
    tracing::debug!(?files, "open files are limited");
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("the runtime cannot start: {error}")),
    };
    match runtime.block_on(start_and_wait(options, &logs, began)) {
        Ok(code) => code,
        Err(message) => complain(&message),
    }
}

fn validate(options: &Serve) -> ExitCode {
    let sources = options.sources();
    if sources.is_empty() {
        return complain("there is nothing to validate: give -c FILE");
    }
    let report = boot::validate(&sources, options.leniency(), options.workers());
    show(&report, options.error_format);
    if report.has_errors() {
        return ExitCode::FAILURE;
    }
    println(&format!("configuration '{}' OK", report.name()));
    ExitCode::SUCCESS
}

/// Starts everything and comes back when it has ended.
async fn start_and_wait(options: &Serve, logs: &Logs, began: Instant) -> Result<ExitCode, String> {
    let mut signals = Signals::new().map_err(|error| format!("signals cannot be heard: {error}"))?;
    let main = Drain::default();
    let mut sources = options.sources();
    let mut demo = None;
    if sources.is_empty() {
        let started = start_demo(options, &main).await?;
        sources.push(started.source.clone());
        demo = Some(started);
    }
    let mut built = match boot::build(&sources, options.leniency(), options.workers()) {
        Ok(built) => built,
        Err(report) => {
            show(&report, options.error_format);
            return Ok(ExitCode::FAILURE);
        }
    };
    show(&built.report, options.error_format);
    let mut sockets = boot::bind(&built, options.workers()).map_err(|error| options.refused(&error))?;
    let workers = Workers::start(std::mem::take(&mut sockets.workers), &built.clusters)
        .map_err(|error| format!("the workers cannot start: {error}"))?;
    let admin = boot::admin_of(options, &built, &sockets, workers.list(), &Process { began, logs });
    let admin = serve_admin(options, admin, &mut sockets, &main)?;
    let rotation = std::mem::take(&mut built.rotation).start();
    let reread = rotation.map_err(|error| format!("certificates cannot be watched: {error}"))?;
    for remark in &sockets.remarks {
        tracing::warn!("{remark}");
    }
    Banner {
        workers: options.workers(),
        took: began.elapsed(),
        listeners: built.listeners.iter().zip(sockets.addresses.iter().map(Vec::as_slice)).collect(),
        admin: admin.address,
        short_form: options.short_form.as_ref(),
        demo_ca: demo.as_ref().map(|demo| demo.ca.ca_cert.as_path()),
    }
    .print();
    wait(&mut signals, &admin.admin, &built, (logs, &reread)).await;
    admin.admin.begin_draining();
    Ok(stop(options, &mut signals, workers, &built).await)
}

async fn start_demo(options: &Serve, main: &Drain) -> Result<Demo, String> {
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.map_err(|error| format!("the demo backend cannot listen: {error}"))?;
    let address = listener.local_addr().map_err(|error| format!("the demo backend cannot listen: {error}"))?;
    main.spawn_service("demo backend", demo::serve(listener, std::future::pending()));
    Demo::prepare(options.state_dir.as_deref(), address).map_err(|error| error.to_string())
}

struct Serving {
    admin: Arc<Admin>,
    address: Option<SocketAddr>,
}

fn serve_admin(options: &Serve, admin: Admin, sockets: &mut Sockets, main: &Drain) -> Result<Serving, String> {
    let admin = Arc::new(admin);
    let Some(socket) = sockets.admin.take() else { return Ok(Serving { admin, address: None }) };
    let address = socket.local_addr().map_err(|error| format!("the admin interface has no address: {error}"))?;
    let listener =
        TcpListener::from_std(socket).map_err(|error| format!("the admin interface cannot be served: {error}"))?;
    main.spawn_service("admin", crate::admin::serve(Arc::clone(&admin), listener, main.clone()));
    if let Some(path) = &options.admin_address_path {
        std::fs::write(path, address.to_string())
            .map_err(|error| format!("--admin-address-path: cannot write `{}`: {error}", path.display()))?;
    }
    Ok(Serving { admin, address: Some(address) })
}

/// Waits until somebody asks for the end, doing the rare work of the main thread meanwhile.
async fn wait(signals: &mut Signals, admin: &Admin, built: &Built, (logs, reread): (&Logs, &Reread)) {
    let mut flush = tokio::time::interval(FLUSH);
    loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::Stop => return,
                Asked::ReopenLogs => reopen(built, logs),
                Asked::Reread => {
                    tracing::info!(
                        "certificates, keys, authorities and revocation lists in files are read again: for anything else, restart"
                    );
                    reread.ask();
                }
            },
            command = admin.next_command() => match command {
                Command::Quit => return,
                Command::ReopenLogs => reopen(built, logs),
            },
            _ = flush.tick() => built.stats.latch(),
        }
    }
}

/// Opens every log file again: whoever rotates them has moved the old ones away.
fn reopen(built: &Built, logs: &Logs) {
    built.sinks.reopen();
    if let Err(error) = logs.reopen() {
        tracing::error!(%error, "the log goes on in the old file");
    }
}

/// Stops accepting, finishes what is in flight, and ends; a second signal ends at once.
async fn stop(options: &Serve, signals: &mut Signals, workers: Workers, built: &Built) -> ExitCode {
    tracing::info!("stopping: finishing what is in flight, at most {} s", options.drain_time_s);
    let outcome = tokio::select! {
        left = workers.drain(options.drain_time()) => Some(left),
        () = second(signals) => None,
    };
    match outcome {
        Some(0) => {}
        Some(left) => tracing::warn!(left, "the time to drain is over"),
        None => tracing::warn!("told twice: ending at once"),
    }
    workers.stop().await;
    built.sinks.shutdown();
    ExitCode::SUCCESS
}

async fn second(signals: &mut Signals) {
    while signals.next().await != Asked::Stop {}
}

fn show(report: &Report, format: ErrorFormat) {
    use std::io::{IsTerminal, Write};
    let mut stderr = std::io::stderr().lock();
    let text = match format {
        ErrorFormat::Text => report.to_text(stderr.is_terminal()),
        ErrorFormat::Json => report.to_json(),
    };
    let _ = stderr.write_all(text.as_bytes());
}

fn println(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

impl Serve {
    /// Where the configuration comes from, the text on the command line over the file; none where the demo is to be
    /// served.
    fn sources(&self) -> Vec<Source> {
        if let Some(form) = &self.short_form {
            return vec![Source::Text { name: "quicgate run".to_owned(), text: form.text.clone() }];
        }
        let file = self.config_path.clone().map(Source::File);
        let text = self.config_yaml.clone();
        let text = text.map(|text| Source::Text { name: "--config-yaml".to_owned(), text });
        file.into_iter().chain(text).collect()
    }
}

/// How often histograms are brought together for `/stats`: Envoy's default `stats_flush_interval`.
const FLUSH: Duration = Duration::from_secs(5);
