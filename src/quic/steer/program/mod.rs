//! The rule as a program of classic BPF, by which the kernel gives each datagram to the socket of the right worker.
//!
//! There is an accumulator, an index register and sixteen words of memory, and jumps only lead forward. So the rounds of the
//! hash are written out: about 700 instructions, of 4096 that the kernel takes. Where a datagram is too short for an id, a load
//! fails and the program returns 0.

use super::hash::HalfSipHash;
use super::rule::{LAST_WORD, LONG_HEADER, LONG_HEADER_ID, Rule, SHORT_HEADER_ID};
use crate::net::Instruction;

/// The program that returns the worker of a datagram by this rule.
pub(super) fn program(rule: Rule) -> Vec<Instruction> {
    let mut program = Program(Vec::new());
    program.load_id();
    program.start(HalfSipHash::new(rule.key));
    program.word((LDX_MEMORY, ID));
    program.word((LDX_MEMORY, ID + 1));
    program.word((LDX_NUMBER, LAST_WORD));
    program.finish();
    program.then(MOD, rule.workers);
    program.then(RETURN, 0);
    program.0
}

/// A program as far as it is written.
struct Program(Vec<Instruction>);

impl Program {
    fn then(&mut self, code: u16, k: u32) {
        self.0.push(Instruction { code, jt: 0, jf: 0, k });
    }

    /// Finds the id by the form of the header, and stores it.
    fn load_id(&mut self) {
        self.then(LD_BYTE, 0);
        self.0.push(Instruction { code: JUMP_IF_ANY, jt: 0, jf: 4, k: LONG_HEADER.into() });
        self.then(LD_WORD, LONG_HEADER_ID);
        self.then(STORE, ID);
        self.then(LD_WORD, LONG_HEADER_ID + 4);
        self.then(JUMP, 3);
        self.then(LD_WORD, SHORT_HEADER_ID);
        self.then(STORE, ID);
        self.then(LD_WORD, SHORT_HEADER_ID + 4);
        self.then(STORE, ID + 1);
    }

    fn start(&mut self, hash: HalfSipHash) {
        for (place, value) in (V0..).zip(hash.0) {
            self.then(LD_NUMBER, value);
            self.then(STORE, place);
        }
    }

    /// `HalfSipHash::word`, of what this instruction loads into the index register.
    fn word(&mut self, load: (u16, u32)) {
        self.xor(V3, load);
        self.round();
        self.round();
        self.xor(V0, load);
    }

    /// `HalfSipHash::finish`, behind its last word; the hash stays in the accumulator.
    fn finish(&mut self) {
        self.xor(V2, (LDX_NUMBER, 0xff));
        for _ in 0..4 {
            self.round();
        }
        self.then(LD_MEMORY, V1);
        self.then(LDX_MEMORY, V3);
        self.then(XOR, 0);
    }

    /// `HalfSipHash::round`.
    fn round(&mut self) {
        self.add(V0, V1);
        self.rotate_xor(V1, 5, V0);
        self.rotate(V0, 16);
        self.store(V0);
        self.add(V2, V3);
        self.rotate_xor(V3, 8, V2);
        self.add(V0, V3);
        self.rotate_xor(V3, 7, V0);
        self.add(V2, V1);
        self.rotate_xor(V1, 13, V2);
        self.rotate(V2, 16);
        self.store(V2);
    }

    fn xor(&mut self, place: u32, (load, from): (u16, u32)) {
        self.then(LD_MEMORY, place);
        self.then(load, from);
        self.then(XOR, 0);
        self.store(place);
    }

    fn add(&mut self, place: u32, other: u32) {
        self.then(LD_MEMORY, place);
        self.then(LDX_MEMORY, other);
        self.then(ADD, 0);
        self.store(place);
    }

    fn rotate_xor(&mut self, place: u32, bits: u32, other: u32) {
        self.rotate(place, bits);
        self.then(LDX_MEMORY, other);
        self.then(XOR, 0);
        self.store(place);
    }

    /// Leaves it in the accumulator.
    fn rotate(&mut self, place: u32, bits: u32) {
        self.then(LD_MEMORY, place);
        self.then(SHIFT_RIGHT, u32::BITS - bits);
        self.then(TO_INDEX, 0);
        self.then(LD_MEMORY, place);
        self.then(SHIFT_LEFT, bits);
        self.then(OR, 0);
    }

    fn store(&mut self, place: u32) {
        self.then(STORE, place);
    }
}

// Words of memory: the state of the hash, and the id.
const V0: u32 = 0;
const V1: u32 = 1;
const V2: u32 = 2;
const V3: u32 = 3;
const ID: u32 = 4;

// Codes of `linux/bpf_common.h`. LD is into the accumulator, LDX into the index register; LD of a word or a byte is from the
// packet, in network order. ADD, XOR and OR take the index register, MOD and shifts a number.
const LD_NUMBER: u16 = 0x00;
const LD_WORD: u16 = 0x20;
const LD_BYTE: u16 = 0x30;
const LD_MEMORY: u16 = 0x60;
const LDX_NUMBER: u16 = 0x01;
const LDX_MEMORY: u16 = 0x61;
const STORE: u16 = 0x02;
const ADD: u16 = 0x0c;
const OR: u16 = 0x4c;
const SHIFT_LEFT: u16 = 0x64;
const SHIFT_RIGHT: u16 = 0x74;
const MOD: u16 = 0x94;
const XOR: u16 = 0xac;
const JUMP: u16 = 0x05;
const JUMP_IF_ANY: u16 = 0x45;
const RETURN: u16 = 0x16;
const TO_INDEX: u16 = 0x07;

#[cfg(test)]
mod tests;
