"""The real Envoy with a configuration file.

usage: envoy_front.py FILE
"""

import pathlib
import sys

import envoy
from server import run


def run_envoy(path):
    binary = pathlib.Path(envoy.__file__).parent / "_bin" / "envoy"
    options = ["--use-dynamic-base-id", "--concurrency", "1", "--log-level", "info"]
    run([str(binary), "-c", path, *options], b"starting workers")


if __name__ == "__main__":
    run_envoy(sys.argv[1])
