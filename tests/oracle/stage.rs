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
    /// Interim replies of the backend pass.
    Interim,
    /// Tunnels may be asked for.
    Tunnels,
    /// Local replies are mapped and have a format of their own.
    Replies,
    /// `proxy-status` is written, and decides the status.
    ProxyStatus,
    /// Paths and hosts are brought into one form; the peer is one of our own.
    Clean,
    /// Escaped slashes and underscores are refused.
    Strict,
}

impl Stage {
    pub(crate) const ALL: [Self; 12] = [
        Self::Default,
        Self::Edge,
        Self::IdleTimeout,
        Self::RequestTimeout,
        Self::HeadersTimeout,
        Self::Trailers,
        Self::Interim,
        Self::Tunnels,
        Self::Replies,
        Self::ProxyStatus,
        Self::Clean,
        Self::Strict,
    ];

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
            Self::Tunnels => "upgrade_configs: [ { upgrade_type: websocket }, { upgrade_type: CONNECT } ]",
            Self::Interim => "proxy_100_continue: true",
            Self::Trailers => "http_protocol_options: { enable_trailers: true }",
            Self::Replies => REPLIES,
            Self::ProxyStatus => {
                "proxy_status_config: { literal_proxy_name: edge, set_recommended_response_code: true }"
            }
            Self::Clean => CLEAN,
            Self::Strict => STRICT,
        }
    }
}

const REPLIES: &str = r#"local_reply_config:
                  mappers:
                    - filter: { status_code_filter: { comparison: { op: EQ, value: { default_value: 503, runtime_key: k } } } }
                      status_code: 555
                      body: { inline_string: sorry }
                      headers_to_add: [ { header: { key: x-mapped, value: "%RESPONSE_CODE% %REQ(:PATH)% %REQ(X-NONE)%" } } ]
                    - filter: { header_filter: { header: { name: ":path", string_match: { prefix: /exact } } } }
                      body_format_override: { json_format: { said: "%LOCAL_REPLY_BODY%", code: "%RESPONSE_CODE%" } }
                  body_format: { text_format_source: { inline_string: "<%LOCAL_REPLY_BODY%> %RESPONSE_CODE% %REQ(:PATH)%" } }"#;

const CLEAN: &str = r"normalize_path: true
                merge_slashes: true
                path_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT
                strip_any_host_port: true
                strip_trailing_host_dot: true
                use_remote_address: true
                internal_address_config: { cidr_ranges: [ { address_prefix: 127.0.0.0, prefix_len: 8 } ] }
                common_http_protocol_options: { headers_with_underscores_action: DROP_HEADER }";

const STRICT: &str = r"path_with_escaped_slashes_action: REJECT_REQUEST
                common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST }
                http_protocol_options: { allow_absolute_url: false }";

const CLUSTER_WITH_TRAILERS: &str = r#"typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config: { http_protocol_options: { enable_trailers: true } }"#;
