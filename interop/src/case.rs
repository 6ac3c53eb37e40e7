//! The cases, once for all clients: what is asked, and what must have been seen.

use std::{fs, path::Path};

use serde::Deserialize;

use crate::{
    ask::{Ask, Reply, Request, Said, Seen},
    backend::{EARLY_HINTS, HELD, HELD_BODY, TRAILERS, UPLOAD},
    files::{Files, LARGE, SMALL, large, pattern},
};

/// One thing that a client and a server must get right between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Handshake,
    Get,
    Post,
    Download,
    Upload,
    ResponseTrailers,
    RequestTrailers,
    Head,
    Continue,
    EarlyHints,
    Cancel,
    Goaway,
}

/// What became of a case.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// With what was seen.
    Ok(String),
    Failed(String),
    /// The client or the server has no way to do this: neither passed nor failed.
    Cannot(String),
}

impl Case {
    /// In the order of the table's columns.
    pub(crate) const ALL: [Self; 12] = [
        Self::Handshake,
        Self::Get,
        Self::Post,
        Self::Download,
        Self::Upload,
        Self::ResponseTrailers,
        Self::RequestTrailers,
        Self::Head,
        Self::Continue,
        Self::EarlyHints,
        Self::Cancel,
        Self::Goaway,
    ];

    /// The head of its column.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Download => "10M down",
            Self::Upload => "10M up",
            Self::ResponseTrailers => "trl down",
            Self::RequestTrailers => "trl up",
            Self::Head => "HEAD",
            Self::Continue => "100",
            Self::EarlyHints => "103",
            Self::Cancel => "cancel",
            Self::Goaway => "GOAWAY",
        }
    }

    /// What it shows.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Handshake => "QUIC and TLS 1.3 are negotiated, and a first response comes",
            Self::Get => "1,000 bytes, each the right one",
            Self::Post => "content is echoed",
            Self::Download => "10 MiB, each byte the right one",
            Self::Upload => "10 MiB there and back, identical",
            Self::ResponseTrailers => "trailers follow the response",
            Self::RequestTrailers => "trailers follow the request, and come back",
            Self::Head => "fields as of GET, and no content",
            Self::Continue => "`expect: 100-continue` is answered with 100 before the response",
            Self::EarlyHints => "a 103 of the backend does not disturb the response",
            Self::Cancel => "a download is given up in its middle: the server logs it and goes on serving",
            Self::Goaway => "the server is drained: GOAWAY comes, the request in flight is finished",
        }
    }

    /// What the client is asked to do. Files go to `files`.
    pub(crate) fn ask(self, url: &str, authority: &Path, files: &Files) -> Ask {
        let request = |method, path: &str| files.request(method, path);
        // RFC 9110 §10.1.4: a server sends trailers to those who say that they keep them.
        let te = || field("te", "trailers");
        let requests = match self {
            Self::Handshake => vec![request("GET", "/bytes/1")],
            Self::Get => vec![request("GET", "/bytes/1000")],
            Self::Post => vec![files.posts("/echo", &files.small)],
            Self::Download => vec![request("GET", &format!("/bytes/{LARGE}"))],
            Self::Upload => vec![files.posts(UPLOAD, &files.large)],
            Self::ResponseTrailers => vec![Request { fields: vec![te()], ..request("GET", TRAILERS) }],
            Self::RequestTrailers => vec![Request {
                fields: vec![te(), field("trailer", "x-interop")],
                trailers: vec![field("x-interop", "seen")],
                ..files.posts("/echo", &files.small)
            }],
            Self::Head => vec![request("HEAD", "/bytes/1000")],
            Self::Continue => {
                vec![Request { fields: vec![field("expect", "100-continue")], ..files.posts("/echo", &files.small) }]
            }
            Self::EarlyHints => vec![request("GET", EARLY_HINTS)],
            Self::Cancel => vec![Request { cancel: true, ..request("GET", ENDLESS) }, request("GET", "/bytes/1000")],
            Self::Goaway => vec![request("GET", HELD)],
        };
        Ask { url: url.to_owned(), authority: authority.to_owned(), requests, await_goaway: self == Self::Goaway }
    }

    /// What becomes of the case by what a client says.
    pub(crate) fn verdict(self, said: Said, files: &Files) -> Verdict {
        match said {
            Said::Seen(seen) => self.judge(&seen, files),
            Said::Cannot(reason) => Verdict::Cannot(reason),
            Said::Failed(reason) => Verdict::Failed(reason),
        }
    }

    /// Whether what was seen is what must be.
    pub(crate) fn judge(self, seen: &Seen, files: &Files) -> Verdict {
        self.check(seen, files).unwrap_or_else(Verdict::Failed)
    }

    fn check(self, seen: &Seen, files: &Files) -> Result<Verdict, String> {
        let reply = self.reply(seen, files)?;
        self.check_beyond_content(seen, reply)
    }

    /// The response, if its status and content are what they must be.
    pub(crate) fn reply<'a>(self, seen: &'a Seen, files: &Files) -> Result<&'a Reply, String> {
        let [reply] = seen.replies.as_slice() else { return Err(format!("{} responses", seen.replies.len())) };
        if reply.status != 200 {
            return Err(format!("the status is {}", reply.status));
        }
        let saved = fs::read(&files.save).map_err(|error| format!("{}: {error}", files.save.display()))?;
        let expected = match self {
            Self::Handshake => pattern(1),
            Self::Get | Self::Cancel => pattern(1000),
            Self::Download => pattern(LARGE),
            Self::Post | Self::Continue | Self::RequestTrailers => SMALL.to_vec(),
            Self::Upload => large(),
            Self::ResponseTrailers | Self::EarlyHints => b"body.".to_vec(),
            Self::Head => Vec::new(),
            Self::Goaway => HELD_BODY.to_vec(),
        };
        if saved != expected {
            return Err(differ(&saved, &expected));
        }
        Ok(reply)
    }

    fn check_beyond_content(self, seen: &Seen, reply: &Reply) -> Result<Verdict, String> {
        let seen_it = match self {
            Self::Handshake => seen.connection.clone(),
            Self::ResponseTrailers | Self::RequestTrailers => {
                if reply.trailers.get("x-interop").is_none_or(|value| value != "seen") {
                    return Err(format!("the trailers are {:?}", reply.trailers));
                }
                "x-interop: seen".to_owned()
            }
            Self::Head => {
                let length = reply.fields.get("content-length").map(String::as_str);
                if length != Some("1000") {
                    return Err(format!("content-length is {length:?}"));
                }
                "content-length: 1000, no content".to_owned()
            }
            Self::Continue => {
                if !reply.interim.contains(&100) {
                    return Err(format!("the interim responses are {:?}", reply.interim));
                }
                "100, then 200".to_owned()
            }
            Self::EarlyHints if reply.interim.contains(&103) => "103, then 200".to_owned(),
            Self::EarlyHints => "200; the 103 was not passed on".to_owned(),
            Self::Cancel => "served again".to_owned(),
            Self::Goaway => match seen.goaway {
                Some(true) => "GOAWAY, and the whole response".to_owned(),
                Some(false) => return Err("the response came whole, GOAWAY did not".to_owned()),
                None => return Ok(Verdict::Cannot("does not show GOAWAY; the response came whole".to_owned())),
            },
            Self::Get | Self::Post | Self::Download | Self::Upload => "the right bytes".to_owned(),
        };
        Ok(Verdict::Ok(seen_it))
    }
}

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn differ(saved: &[u8], expected: &[u8]) -> String {
    if saved.len() != expected.len() {
        return format!("{} bytes of content instead of {}", saved.len(), expected.len());
    }
    let at = saved.iter().zip(expected).position(|(saved, expected)| saved != expected).unwrap_or_default();
    format!("the content differs at byte {at}")
}

/// What the case `cancel` asks for, and nothing else does.
pub(crate) const ENDLESS: &str = "/bytes/1000000000";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn seen(status: u16, trailers: &[(&str, &str)]) -> Seen {
        let trailers = trailers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let reply = Reply { status, interim: Vec::new(), fields: BTreeMap::new(), trailers };
        Seen { connection: "h3".to_owned(), replies: vec![reply], goaway: None }
    }

    fn files(saved: &[u8]) -> (tempfile::TempDir, Files) {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::write(directory.path()).unwrap();
        fs::write(&files.save, saved).unwrap();
        (directory, files)
    }

    #[test]
    fn other_bytes_and_other_lengths_fail() {
        let (_kept, files) = files(b"A");
        assert!(matches!(Case::Handshake.judge(&seen(200, &[]), &files), Verdict::Ok(_)));
        fs::write(&files.save, "1").unwrap();
        let wrong = Case::Handshake.judge(&seen(200, &[]), &files);
        assert_eq!(wrong, Verdict::Failed("the content differs at byte 0".to_owned()));
        let short = Case::Get.judge(&seen(200, &[]), &files);
        assert_eq!(short, Verdict::Failed("1 bytes of content instead of 1000".to_owned()));
    }

    #[test]
    fn what_was_not_saved_is_no_content() {
        let (_kept, files) = files(b"");
        files.clear().unwrap();
        assert!(matches!(Case::Get.judge(&seen(200, &[]), &files), Verdict::Failed(_)));
    }

    #[test]
    fn the_fields_and_trailers_and_interim_responses_count() {
        let (_kept, files) = files(SMALL);
        assert!(matches!(Case::Post.judge(&seen(503, &[]), &files), Verdict::Failed(_)));
        assert!(matches!(Case::Continue.judge(&seen(200, &[]), &files), Verdict::Failed(_)));
        assert!(matches!(Case::RequestTrailers.judge(&seen(200, &[]), &files), Verdict::Failed(_)));
        assert!(matches!(Case::RequestTrailers.judge(&seen(200, &[("x-interop", "seen")]), &files), Verdict::Ok(_)));
    }

    #[test]
    fn goaway_that_is_not_shown_is_no_pass() {
        let (_kept, files) = files(HELD_BODY);
        let mut seen = seen(200, &[]);
        assert!(matches!(Case::Goaway.judge(&seen, &files), Verdict::Cannot(_)));
        seen.goaway = Some(false);
        assert!(matches!(Case::Goaway.judge(&seen, &files), Verdict::Failed(_)));
        seen.goaway = Some(true);
        assert!(matches!(Case::Goaway.judge(&seen, &files), Verdict::Ok(_)));
    }
}
