"""The real Envoy with a configuration file.

usage: envoy_front.py FILE ADMIN OPTION..., where ADMIN is the file for the address of its admin interface
"""

import pathlib
import sys

import envoy
from server import run


def run_envoy(path, admin, *options, drain=None):
    binary = pathlib.Path(envoy.__file__).parent / "_bin" / "envoy"
    options = ["--use-dynamic-base-id", "--admin-address-path", admin, *options]
    # A response that a client gave up is logged with fewer bytes.
    run([str(binary), "-c", path, *options], rb"starting workers", rb"access /bytes/1000000000 (?!1000000000 )", drain)


if __name__ == "__main__":
    run_envoy(*sys.argv[1:])
