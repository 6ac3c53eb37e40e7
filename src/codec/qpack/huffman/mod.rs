//! Huffman-coded strings (RFC 7541 §5.2 and Appendix B), decoded as they come and encoded.
//!
//! Most symbols of real field lines have codes of at most eight bits: one look into a table of 256 finds them. The others
//! are found by their length, as the codes of one length follow each other.

mod table;

use std::slice::IterMut;

use bytes::{BufMut, BytesMut};

use super::error::Fault;

/// Why a string was not decoded to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Fault(Fault),
    /// The decoded string is longer than allowed.
    TooLong,
}

/// A string within which the input may pause anywhere.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Decoder {
    /// Bits not yet decoded, from the highest bit on; zeros behind them.
    bits: u64,
    /// How many they are.
    count: u32,
}

impl Decoder {
    /// Decodes `input` and appends at most `max` bytes to `out`.
    pub(super) fn push(&mut self, input: &[u8], out: &mut BytesMut, max: usize) -> Result<(), Stop> {
        let start = out.len();
        out.resize(start + max.min(longest_decoded(input.len())), 0);
        let mut free = out.get_mut(start..).unwrap_or_default().iter_mut();
        let decoded = self.fill(input, &mut free);
        let unused = free.len();
        out.truncate(out.len() - unused);
        decoded
    }

    /// Whether the string may end here.
    pub(super) fn finish(self) -> Result<(), Fault> {
        // RFC 7541 §5.2: padding is at most seven bits, and they are the first ones of the end-of-string symbol: all ones.
        let ones = !(u64::MAX >> self.count.min(63));
        if self.count > 7 || self.bits != ones { Err(Fault::HuffmanPadding) } else { Ok(()) }
    }

    fn fill(&mut self, mut input: &[u8], free: &mut IterMut<'_, u8>) -> Result<(), Stop> {
        loop {
            self.refill(&mut input);
            while let Some((symbol, length)) = self.head() {
                // RFC 7541 §5.2: a string that holds the end-of-string symbol is an error.
                let symbol = u8::try_from(symbol).map_err(|_| Stop::Fault(Fault::HuffmanEndOfString))?;
                *free.next().ok_or(Stop::TooLong)? = symbol;
                self.bits <<= length;
                self.count -= length;
            }
            if input.is_empty() {
                return Ok(());
            }
        }
    }

    fn refill(&mut self, input: &mut &[u8]) {
        if self.count <= 32
            && let Some((four, rest)) = input.split_first_chunk()
        {
            self.bits |= u64::from(u32::from_be_bytes(*four)) << (32 - self.count);
            self.count += 32;
            *input = rest;
            return;
        }
        while self.count <= 56
            && let Some((byte, rest)) = input.split_first()
        {
            self.bits |= u64::from(*byte) << (56 - self.count);
            self.count += 8;
            *input = rest;
        }
    }

    /// The symbol at the head of the bits and the length of its code, when all of it is there.
    fn head(&self) -> Option<(u16, u32)> {
        let [top, ..] = self.bits.to_be_bytes();
        let short = table::SHORT.get(usize::from(top))?;
        let (symbol, length) =
            if short.length > 0 { (short.symbol.into(), short.length.into()) } else { self.long_head()? };
        // Zeros stand for the bits to come: a code that reaches into them is not decided yet.
        (length <= self.count).then_some((symbol, length))
    }

    #[cold]
    fn long_head(&self) -> Option<(u16, u32)> {
        let code = |length: u32| self.bits >> (64 - length);
        let run = table::LONG.iter().find(|run| code(run.length) < run.end)?;
        let at = run.offset + code(run.length).checked_sub(run.first)?;
        Some((*table::BY_CODE.get(usize::try_from(at).ok()?)?, run.length))
    }
}

/// The fewest bytes that `length` encoded bytes can stand for.
pub(super) fn shortest_decoded(length: u64) -> u64 {
    length.saturating_mul(8).saturating_sub(7).div_ceil(table::LONGEST.into())
}

/// The most bytes that `length` encoded bytes can stand for, with what an earlier piece of the string left.
pub(super) fn longest_decoded(length: usize) -> usize {
    length.saturating_mul(8).saturating_add(table::LONGEST as usize) / table::SHORTEST
}

/// How many bytes `text` takes when it is encoded.
pub(super) fn encoded_length(text: &[u8]) -> usize {
    let bits = text.iter().map(|byte| usize::from(code(*byte).length)).sum::<usize>();
    bits.div_ceil(8)
}

/// Encodes `text`.
pub(super) fn encode(text: &[u8], out: &mut BytesMut) {
    let mut bits = 0u64;
    let mut count = 0u32;
    for byte in text {
        let code = code(*byte);
        bits = bits << code.length | u64::from(code.bits);
        count += u32::from(code.length);
        if count >= 32 {
            count -= 32;
            out.put_uint(bits >> count, 4);
        }
    }
    // RFC 7541 §5.2: the last byte is filled with the first bits of the end-of-string symbol.
    let padding = count.next_multiple_of(8) - count;
    bits = bits << padding | ((1 << padding) - 1);
    for left in (0..(count + padding) / 8).rev() {
        out.put_uint(bits >> (8 * left), 1);
    }
}

fn code(byte: u8) -> table::Code {
    table::CODES.get(usize::from(byte)).copied().unwrap_or(table::Code { bits: 0, length: 0 })
}

#[cfg(test)]
mod tests;
