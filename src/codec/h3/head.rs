//! The two kinds of heads, as [`super::receive`] reads them.

use bytes::Bytes;
use http::Method;

use crate::codec::message::{
    Malformed, Refused, RequestHead, RequestSection, ResponseHead, ResponseSection, SectionLimits,
};

/// A section that begins a message, as it is decoded.
pub(super) trait HeadSection: Sized {
    type Head;
    /// What this side has allowed.
    type Allowed;

    fn begin(limits: SectionLimits) -> Self;
    fn push(&mut self, name: &[u8], value: Bytes) -> Result<(), Refused>;
    fn end(self, allowed: Self::Allowed) -> Result<Self::Head, Malformed>;
    fn after(head: &Self::Head) -> Follows;
}

/// What may come after a head.
pub(super) enum Follows {
    /// Another one.
    Heads,
    /// Content and trailers.
    Content,
    /// What goes through a tunnel.
    Tunnel,
}

impl HeadSection for RequestSection {
    type Head = RequestHead;
    type Allowed = bool;

    fn begin(limits: SectionLimits) -> Self {
        Self::new(limits)
    }

    fn push(&mut self, name: &[u8], value: Bytes) -> Result<(), Refused> {
        Self::push(self, name, value)
    }

    fn end(self, extended_connect: bool) -> Result<RequestHead, Malformed> {
        self.finish(extended_connect)
    }

    fn after(head: &RequestHead) -> Follows {
        if head.method == Method::CONNECT { Follows::Tunnel } else { Follows::Content }
    }
}

impl HeadSection for ResponseSection {
    type Head = ResponseHead;
    type Allowed = ();

    fn begin(limits: SectionLimits) -> Self {
        Self::new(limits)
    }

    fn push(&mut self, name: &[u8], value: Bytes) -> Result<(), Refused> {
        Self::push(self, name, value)
    }

    fn end(self, (): ()) -> Result<ResponseHead, Malformed> {
        self.finish()
    }

    fn after(head: &ResponseHead) -> Follows {
        if head.status.is_informational() { Follows::Heads } else { Follows::Content }
    }
}
