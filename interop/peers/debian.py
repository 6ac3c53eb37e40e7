"""Runs programs of an unpacked Debian with its own loader and libraries, whatever this machine has."""

import subprocess
import sys

# The adapter is called with the directory that Debian is unpacked in, and the ask.
ROOT = sys.argv[1]


def command(program, *arguments):
    loader = f"{ROOT}/usr/lib64/ld-linux-x86-64.so.2"
    return [loader, "--library-path", f"{ROOT}/usr/lib/x86_64-linux-gnu", f"{ROOT}/usr/{program}", *arguments]


def run(program, *arguments):
    return subprocess.run(command(program, *arguments), capture_output=True, check=False)
