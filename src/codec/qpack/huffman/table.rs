//! The Huffman code of RFC 7541, Appendix B, as tables made by the compiler.
//!
//! The code is canonical: with the lengths of its codes, all of it is known.

#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "it runs in the compiler, which refuses what is out of range; symbols and lengths are small"
)]

/// Symbols, the end of the string among them.
const SYMBOLS: usize = 257;

/// The symbol that ends a string, and that no string may hold.
pub(super) const END_OF_STRING: u16 = 256;

/// Bits of the longest code.
pub(super) const LONGEST: u32 = 30;

/// Bits of the shortest code.
pub(super) const SHORTEST: usize = 5;

/// Bits that [`SHORT`] looks at.
const SHORT_BITS: u32 = 8;

/// The length of each symbol's code in bits.
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12,
    10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6,
    5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22,
    22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20,
    22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28,
    27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28,
    27, 27, 27, 27, 27, 26, 30,
];

/// The code of a symbol, in its low bits, and how many they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code {
    pub(super) bits: u32,
    pub(super) length: u8,
}

/// The code of each byte.
pub(super) static CODES: [Code; SYMBOLS] = codes();

/// A symbol whose code is a prefix of eight bits; its length is 0 where all eight begin a longer code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Short {
    pub(super) symbol: u8,
    pub(super) length: u8,
}

/// The symbol at the head of any eight bits.
pub(super) static SHORT: [Short; 1 << SHORT_BITS] = short();

/// The codes of one length, which follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) length: u32,
    /// The first code of this length.
    pub(super) first: u64,
    /// One more than the last code of this length.
    pub(super) end: u64,
    /// Where its symbols begin in [`BY_CODE`].
    pub(super) offset: u64,
}

/// The lengths that [`SHORT`] does not cover, ascending.
pub(super) static LONG: [Run; (LONGEST - SHORT_BITS) as usize] = long();

/// All symbols in the order of their codes.
pub(super) static BY_CODE: [u16; SYMBOLS] = by_code();

/// RFC 7541 Appendix B: codes of one length ascend with their symbols, and shorter codes come before longer ones.
const fn by_code() -> [u16; SYMBOLS] {
    let mut sorted = [0; SYMBOLS];
    let mut at = 0;
    let mut length = 0;
    while length <= LONGEST as u8 {
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if LENGTHS[symbol] == length {
                sorted[at] = symbol as u16;
                at += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    sorted
}

const fn codes() -> [Code; SYMBOLS] {
    let sorted = by_code();
    let mut codes = [Code { bits: 0, length: 0 }; SYMBOLS];
    let mut next = 0u32;
    let mut before = 0u8;
    let mut at = 0;
    while at < SYMBOLS {
        let symbol = sorted[at] as usize;
        let length = LENGTHS[symbol];
        next <<= length - before;
        codes[symbol] = Code { bits: next, length };
        next += 1;
        before = length;
        at += 1;
    }
    codes
}

const fn short() -> [Short; 1 << SHORT_BITS] {
    let codes = codes();
    let mut table = [Short { symbol: 0, length: 0 }; 1 << SHORT_BITS];
    let mut symbol = 0;
    while symbol < END_OF_STRING as usize {
        let Code { bits, length } = codes[symbol];
        if length as u32 <= SHORT_BITS {
            let free = SHORT_BITS - length as u32;
            let mut rest = 0;
            while rest < 1 << free {
                table[((bits << free) | rest) as usize] = Short { symbol: symbol as u8, length };
                rest += 1;
            }
        }
        symbol += 1;
    }
    table
}

const fn long() -> [Run; (LONGEST - SHORT_BITS) as usize] {
    let codes = codes();
    let sorted = by_code();
    let mut runs = [Run { length: 0, first: 0, end: 0, offset: 0 }; (LONGEST - SHORT_BITS) as usize];
    let mut run = 0;
    while run < runs.len() {
        let length = SHORT_BITS + 1 + run as u32;
        runs[run].length = length;
        let mut at = 0;
        while at < SYMBOLS {
            let code = codes[sorted[at] as usize];
            if code.length as u32 == length {
                if runs[run].end == 0 {
                    runs[run].first = code.bits as u64;
                    runs[run].offset = at as u64;
                }
                runs[run].end = code.bits as u64 + 1;
            }
            at += 1;
        }
        run += 1;
    }
    runs
}
