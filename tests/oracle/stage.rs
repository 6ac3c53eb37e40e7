//! A stage: the configuration of `gateway.yaml` with the options a group of scenarios needs.

use crate::{backstage::Backstage, support::certificates::Certificates};

/// Each stage is a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Everything as it is by default.
    Default,
    /// The first proxy from outside: peers' addresses are appended and their internal headers removed.
    Edge,
    /// A stream may be idle for 0.3 s only.
    IdleTimeout,
    /// A request must be complete within 0.3 s.
    RequestTimeout,
    /// A request's head must be complete within 0.3 s.
    HeadersTimeout,
    /// Trailers pass HTTP/1.1 on both sides.
    Trailers,
}

impl Stage {
    pub(crate) const ALL: [Self; 6] =
        [Self::Default, Self::Edge, Self::IdleTimeout, Self::RequestTimeout, Self::HeadersTimeout, Self::Trailers];

    /// The YAML for both programs; `${dir}` is left to the process.
    pub(crate) fn yaml(self, backstage: &Backstage) -> String {
        let cluster_options = if self == Self::Trailers { CLUSTER_WITH_TRAILERS } else { "" };
        include_str!("gateway.yaml")
            .replace("${options}", self.options())
            .replace("${cluster_options}", cluster_options)
            .replace("${backend}", &backstage.backend.port().to_string())
            .replace("${refusing}", &backstage.refusing.address().port().to_string())
            .replace("${unanswering}", &backstage.unanswering.address().port().to_string())
            .replace("${secured}", &backstage.secured.port().to_string())
            .replace("${wanting}", &backstage.wanting.port().to_string())
            .replace("${http2}", &backstage.http2.address().port().to_string())
            .replace("${secured_http2}", &backstage.secured_http2.address().port().to_string())
            .replace("${silent}", &backstage.silent().port().to_string())
            .replace("${stranger}", &Certificates::of_another_authority().replace('\n', "\\n"))
    }

    /// Fields of every HTTP connection manager.
    fn options(self) -> &'static str {
        match self {
            Self::Default => "",
            Self::Edge => "use_remote_address: true",
            Self::IdleTimeout => "stream_idle_timeout: 0.3s",
            Self::RequestTimeout => "request_timeout: 0.3s",
            Self::HeadersTimeout => "request_headers_timeout: 0.3s",
            Self::Trailers => "http_protocol_options: { enable_trailers: true }",
        }
    }
}

const CLUSTER_WITH_TRAILERS: &str = r#"typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config: { http_protocol_options: { enable_trailers: true } }"#;
