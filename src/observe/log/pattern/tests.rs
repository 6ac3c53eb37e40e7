//! What each flag prints of one event, and patterns that are none.

use std::sync::{Arc, Mutex};

use jiff::Zoned;
use tracing::{Event, Subscriber, debug, error, info, warn};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::{Layer, Registry};

use super::*;

/// Turns events into lines, all at one time of the day.
struct Printer {
    pattern: Pattern,
    colours: bool,
    suppressed: u64,
    time: Zoned,
    lines: Arc<Mutex<Vec<String>>>,
}

impl<S: Subscriber> Layer<S> for Printer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (time, suppressed, colours) = (&self.time, self.suppressed, self.colours);
        let line = self.pattern.line(&Entry { event, time, suppressed, colours });
        self.lines.lock().unwrap().push(line);
    }
}

fn printed(pattern: Pattern, colours: bool, suppressed: u64, events: impl FnOnce()) -> Vec<String> {
    let afternoon = jiff::civil::date(2026, 11, 5).at(15, 4, 9, 42_100_007);
    let time = afternoon.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(-3))).unwrap();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let printer = Printer { pattern, colours, suppressed, time, lines: Arc::clone(&lines) };
    tracing::subscriber::with_default(Registry::default().with(printer), events);
    lines.lock().unwrap().clone()
}

/// The line, without its end, of one event.
fn line(pattern: &str) -> String {
    let lines = printed(pattern.parse().unwrap(), false, 0, || {
        warn!(target: "quicgate::listener::tcp", peer = "192.0.2.1:5", name = "a b", tries = 3, "slow");
    });
    lines.concat().strip_suffix('\n').expect("a line has an end").to_owned()
}

#[test]
fn each_flag_prints_what_it_does_in_envoy() {
    let process = std::process::id().to_string();
    let table: &[(&str, &str)] = &[
        ("", ""),
        ("plain", "plain"),
        ("100%%", "100%"),
        ("a\nb %l", "a\nb warning"),
        ("%v", "slow peer=192.0.2.1:5 name=\"a b\" tries=3"),
        ("%_", "slow peer=192.0.2.1:5 name=\"a b\" tries=3"),
        ("%j", "slow peer=192.0.2.1:5 name=\\\"a b\\\" tries=3"),
        ("%+", "slow"),
        ("%*", ",\"peer\":\"192.0.2.1:5\",\"name\":\"a b\",\"tries\":\"3\""),
        ("%l %L %n", "warning W listener"),
        ("%P", &process),
        ("%g", "src/observe/log/pattern/tests.rs"),
        ("%s", "tests.rs"),
        ("%!", "quicgate::observe::log::pattern::tests"),
        ("%Y-%m-%d %H:%M:%S", "2026-11-05 15:04:09"),
        ("%C %I %p", "26 03 PM"),
        ("%e %f %F", "042 042100 042100007"),
        ("%r|%R|%T|%X", "03:04:09 PM|15:04|15:04:09|15:04:09"),
        ("%D|%x", "11/05/26|11/05/26"),
        ("%c", "Thu Nov 5 15:04:09 2026"),
        ("%a %A %b %h %B", "Thu Thursday Nov Nov November"),
        ("%z", "-03:00"),
        ("%E", "1793901849"),
        ("%Ev", "1793901849v"),
        ("%^%l%$", "warning"),
        ("[%9l][%-9l][%=9l][%=10l]", "[  warning][warning  ][ warning ][ warning  ]"),
        ("[%4l][%4!l][%-4!l][%=4!l][%9!l]", "[warning][warn][warn][warn][  warning]"),
        ("[%08n][%-l][%=l][%5^][%5%]", "[listener][warning][warning][][%]"),
        ("[%100n]", "[                                                        listener]"),
        ("[%5e][%-10T][%6+]", "[  042][15:04:09  ][  slow]"),
    ];
    for (pattern, expected) in table {
        assert_eq!(line(pattern), *expected, "{pattern:?}");
    }
}

#[test]
fn the_source_and_the_thread_are_those_of_the_event() {
    let lines = printed("%@ %#|%t".parse().unwrap(), false, 0, || {
        info!("here");
        let events = tracing::dispatcher::get_default(Clone::clone);
        std::thread::spawn(move || tracing::dispatcher::with_default(&events, || info!("there"))).join().unwrap();
    });
    let [here, there] = &lines[..] else { panic!("{lines:?}") };
    let (source, thread) = here.trim().split_once('|').unwrap();
    let (path, number) = source.split_once(' ').unwrap();
    assert_eq!(path, format!("src/observe/log/pattern/tests.rs:{number}"));
    assert!(number.parse::<u32>().is_ok_and(|number| number > 0), "{number}");
    assert!(thread.parse::<u32>().is_ok_and(|thread| thread > 0), "{thread}");
    assert_ne!(there.trim().split_once('|').unwrap().1, thread);
}

#[test]
fn the_default_has_the_time_the_level_and_the_component() {
    let event = || info!(target: "quicgate::quic", number = 1, "a datagram");
    let default = |colours, suppressed| printed(Pattern::DEFAULT.parse().unwrap(), colours, suppressed, event);
    assert_eq!(default(true, 0), ["[2026-11-05 15:04:09.042][\u{1b}[32minfo\u{1b}[0m][quic] a datagram number=1\n"]);
    assert_eq!(default(false, 2), ["[2026-11-05 15:04:09.042][info][quic] a datagram number=1 suppressed=2\n"]);
}

#[test]
fn colours_end_with_the_line_and_are_for_a_terminal_only() {
    let event = || error!("down");
    assert_eq!(printed("%^%L".parse().unwrap(), true, 0, event), ["\u{1b}[31mE\u{1b}[0m\n"]);
    assert_eq!(printed("%L%$".parse().unwrap(), true, 0, event), ["E\n"]);
    assert_eq!(printed("%^%L".parse().unwrap(), false, 0, event), ["E\n"]);
    assert_eq!(printed("%^%L".parse::<Pattern>().unwrap().escaped(true), true, 0, event), ["E\n"]);
}

/// What a peer may send to forge a line or to move a cursor.
const FORGED: &str = "a\n[info] all is \"well\"\u{1b}[2J\u{9b}1m\t\\é";

#[test]
fn nothing_that_is_said_reaches_a_terminal_raw() {
    for flag in FLAGS.chars() {
        for escaped in [false, true] {
            let pattern = format!("%{flag}").parse::<Pattern>().unwrap().escaped(escaped);
            let lines = printed(pattern, false, 0, || {
                debug!(text = FORGED, shown = %FORGED, "{FORGED}");
            });
            let line = lines.concat();
            assert_eq!(line.find(char::is_control), Some(line.len() - 1), "%{flag}: {line:?}");
        }
    }
}

#[test]
fn what_is_said_is_escaped_as_the_flag_tells() {
    let event = || info!(shown = %FORGED, "{FORGED}");
    let plain = printed("%v".parse().unwrap(), false, 0, event).concat();
    insta::assert_snapshot!(plain.trim_end(), @r#"a\n[info] all is "well"\u{1b}[2J\u{9b}1m\t\é shown=a\n[info] all is "well"\u{1b}[2J\u{9b}1m\t\é"#);
    let escaped = printed("\"%+\" %v".parse::<Pattern>().unwrap().escaped(true), false, 0, event).concat();
    insta::assert_snapshot!(escaped.trim_end(), @r##"\"a\\n[info] all is \\\"well\\\"\\u001b[2J\\u009b1m\\t\\\\\303\251\" a\n[info] all is \"well\"\033[2J\302\2331m\t\\\303\251 shown=a\n[info] all is \"well\"\033[2J\302\2331m\t\\\303\251"##);
    let json = printed(r#"{"all":"%j","message":"%+"%*}"#.parse().unwrap(), false, 7, event).concat();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["message"], FORGED);
    assert_eq!(json["shown"], FORGED);
    assert_eq!(json["suppressed"], "7");
    assert_eq!(json["all"], format!("{FORGED} shown={FORGED} suppressed=7"));
}

#[test]
fn the_time_since_the_line_before_counts_from_it() {
    let lines = printed("%O %o %i %u".parse().unwrap(), false, 0, || {
        info!("first");
        info!("second");
    });
    // Every line of these tests has the same time: nothing has passed before the second.
    assert_eq!(lines.last().map(String::as_str), Some("0 0 0 0\n"));
    let elapsed = Flag::of('o');
    let Some(Flag::Elapsed(elapsed)) = elapsed else { panic!("{elapsed:?}") };
    let then = Zoned::now();
    elapsed.until(&then);
    let later = then.saturating_add(jiff::Span::new().milliseconds(1500));
    assert_eq!(elapsed.until(&later), 1500);
    assert_eq!(elapsed.until(&then), 0, "a clock that was set back");
}

#[test]
fn every_flag_is_listed_and_no_other_is_taken() {
    for letter in ' '..='~' {
        let known = FLAGS.contains(letter) || letter == '%';
        // A side, a digit or a cut begins a width: what follows is the flag.
        if matches!(letter, '-' | '=' | '0'..='9') {
            continue;
        }
        assert_eq!(format!("%{letter}").parse::<Pattern>().is_ok(), known, "%{letter}");
    }
}

#[test]
fn a_pattern_that_is_none_says_what_there_is() {
    insta::assert_snapshot!("%v %8q".parse::<Pattern>().unwrap_err(), @"there is no flag '%q'; there are %% %v %_ %j %+ %* %l %L %n %t %P %g %s %# %@ %! %Y %C %m %d %H %I %M %S %e %f %F %p %r %R %T %X %D %x %c %a %A %b %h %B %z %E %O %o %i %u %^ %$, and a width before the letter, as %-8l; write %% for a percent sign");
    insta::assert_snapshot!("%\u{7}".parse::<Pattern>().unwrap_err(), @r"there is no flag '%\u{7}'; there are %% %v %_ %j %+ %* %l %L %n %t %P %g %s %# %@ %! %Y %C %m %d %H %I %M %S %e %f %F %p %r %R %T %X %D %x %c %a %A %b %h %B %z %E %O %o %i %u %^ %$, and a width before the letter, as %-8l; write %% for a percent sign");
    insta::assert_snapshot!("[%v] %".parse::<Pattern>().unwrap_err(), @"it ends in the middle of a flag, with '%'; write %% for a percent sign");
    insta::assert_snapshot!("[%-12!".parse::<Pattern>().unwrap_err(), @"it ends in the middle of a flag, with '%-12!'; write %% for a percent sign");
}
