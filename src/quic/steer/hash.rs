//! HalfSipHash-2-4 with 32 bits of output, a keyed hash for short messages, over 32-bit words.
//!
//! By Jean-Philippe Aumasson and Daniel J. Bernstein; the reference and its vectors: <https://github.com/veorq/SipHash>.

/// The hash between two words: its state, v0 to v3.
#[derive(Clone, Copy, Debug)]
pub(super) struct HalfSipHash(pub(super) [u32; 4]);

impl HalfSipHash {
    pub(super) fn new([first, second]: [u32; 2]) -> Self {
        Self([first, second, 0x6c79_6765 ^ first, 0x7465_6462 ^ second])
    }

    /// Takes in four bytes of the message.
    pub(super) fn word(self, word: u32) -> Self {
        let Self([v0, v1, v2, v3]) = self;
        let Self([v0, v1, v2, v3]) = Self([v0, v1, v2, v3 ^ word]).round().round();
        Self([v0 ^ word, v1, v2, v3])
    }

    /// The hash of what was taken in. `last` is the last word: the length of the message in its upper byte, and the bytes that
    /// fill no word.
    pub(super) fn finish(self, last: u32) -> u32 {
        let Self([v0, v1, v2, v3]) = self.word(last);
        let Self([_, v1, _, v3]) = Self([v0, v1, v2 ^ 0xff, v3]).round().round().round().round();
        v1 ^ v3
    }

    fn round(self) -> Self {
        let Self([mut v0, mut v1, mut v2, mut v3]) = self;
        v0 = v0.wrapping_add(v1);
        v1 = v1.rotate_left(5) ^ v0;
        v0 = v0.rotate_left(16);
        v2 = v2.wrapping_add(v3);
        v3 = v3.rotate_left(8) ^ v2;
        v0 = v0.wrapping_add(v3);
        v3 = v3.rotate_left(7) ^ v0;
        v2 = v2.wrapping_add(v1);
        v1 = v1.rotate_left(13) ^ v2;
        v2 = v2.rotate_left(16);
        Self([v0, v1, v2, v3])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `vectors_hsip32` of the reference: the message of the place n is the bytes 0, 1, ... n - 1, the key the bytes 0 to 7.
    /// Each is four bytes as they are written out, the least first.
    const VECTORS: &str = "
        a9359f5b 27475ab8 fa62a603 8afee704 2a6e4689 c5fab669 5863fc23 8bcf63c5
        d0b8848f f806e779 94b07934 08083050 57f0872f 77e663ff d6fff87c 74fe2b97
        d9b5ac84 c474645b 465b8d9b 7befe387 e34d1045 613f62b3 70f367fe e6adb8bd
        27400c63 26787875 4f567b5f 3ab0e669 b0644000 ff670fb4 509e338b 5d589f1a
        fee72112 33753259 6a434f8c fe28b729 e75cc6ec 697e8d54 63688b0f 650b62b4
        b6bc1840 5d074505 2442fd2e 7bb7863a 7705d548 d75208b1 b6d499c8 0892202e
        69e12ce3 8db580e5 369764c6 016e0204 3b85f3d4 fedb66be 1e692a3a c68984c0
        a5c5b940 9be9e88c 7dbc8140 7c078ec5 d4e76c73 428fcbb9 bd83997a 59ea4a74";

    /// A message of any length.
    fn hash(key: [u32; 2], message: &[u8]) -> u32 {
        let words = message.chunks_exact(4);
        let mut last = [0; 4];
        last[..words.remainder().len()].copy_from_slice(words.remainder());
        last[3] = u8::try_from(message.len() % 256).unwrap();
        let state = words
            .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
            .fold(HalfSipHash::new(key), HalfSipHash::word);
        state.finish(u32::from_le_bytes(last))
    }

    #[test]
    fn all_vectors_of_the_reference_hold() {
        let key = [u32::from_le_bytes([0, 1, 2, 3]), u32::from_le_bytes([4, 5, 6, 7])];
        let message: Vec<u8> = (0..64).collect();
        let vectors: Vec<u32> =
            VECTORS.split_whitespace().map(|text| u32::from_str_radix(text, 16).unwrap().swap_bytes()).collect();
        let hashes: Vec<u32> = (0..64).map(|length| hash(key, &message[..length])).collect();
        assert_eq!(hashes, vectors);
    }
}
