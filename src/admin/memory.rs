//! `/memory`: what the process has of the host's memory, as the kernel counts it.

use super::call::Call;
use super::json::{self, Defaults};
use super::response;
use crate::config::proto::envoy::admin::v3 as proto;
use crate::http::Response;

/// Envoy's message. There is no allocator of our own whose page heap or caches could be told apart.
pub(super) fn memory(_: &Call<'_>) -> Response {
    let memory = Memory::of_process();
    let shown = proto::Memory {
        allocated: memory.anonymous,
        heap_size: memory.data,
        pageheap_unmapped: memory.data.saturating_sub(memory.anonymous),
        pageheap_free: 0,
        total_thread_cache: 0,
        total_physical_bytes: memory.resident,
    };
    response::json(json::pretty(&json::value(&shown, Defaults::Shown)))
}

/// The memory of this process, in bytes. Zero where the system does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// In physical memory, all told (`VmRSS`).
    pub resident: u64,
    /// Of that, what is no file: heap and stacks (`RssAnon`).
    pub anonymous: u64,
    /// Mapped for heap and other private data, in physical memory or not (`VmData`).
    pub data: u64,
}

impl Memory {
    /// What Linux says of the process.
    pub(super) fn of_process() -> Self {
        std::fs::read_to_string("/proc/self/status").map(|status| Self::parse(&status)).unwrap_or_default()
    }

    fn parse(status: &str) -> Self {
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
            kibibytes.unwrap_or_default() * 1024
        };
        Self { resident: bytes("VmRSS"), anonymous: bytes("RssAnon"), data: bytes("VmData") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_read() {
        let status = "Name:\tquicgate\nVmRSS:\t    9120 kB\nRssAnon:\t    2048 kB\nVmData:\t   70000 kB\nThreads:\t3\n";
        let expected = Memory { resident: 9120 << 10, anonymous: 2048 << 10, data: 70000 << 10 };
        assert_eq!(Memory::parse(status), expected);
        assert_eq!(Memory::parse("VmRSS: many\n"), Memory::default());
    }
}
