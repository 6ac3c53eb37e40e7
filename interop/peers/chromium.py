"""Debian's Chromium without a window, run with its own loader and libraries. A page does what is asked, and reports."""

import base64
import contextlib
import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.request

ROOT = sys.argv[1]
# What makes it speak a version, whatever else the server has.
VERSIONS = {
    "h1": ["--disable-http2", "--disable-quic"],
    "h2": ["--disable-quic"],
    "h3": ["--origin-to-force-quic-on=localhost:{port}"],
}
PATIENCE = 20


def wrapper(directory):
    """Chromium starts itself again for each of its processes, and looks for its files beside what runs."""
    home, libraries = f"{ROOT}/usr/lib/chromium", f"{ROOT}/usr/lib/x86_64-linux-gnu"
    loader = f"{home}/loader"
    if not os.path.exists(loader):
        shutil.copy(f"{ROOT}/usr/lib64/ld-linux-x86-64.so.2", loader)
    path = os.path.join(directory, "chromium")
    with open(path, "w", encoding="utf-8") as file:
        library_path = f"{libraries}:{libraries}/pulseaudio"
        file.write(f'#!/bin/sh\nexec {loader} --library-path {library_path} {home}/chromium-headless-shell "$@"\n')
    os.chmod(path, 0o700)
    return path


def key_hash(asked):
    """Of the key in the certificate, which is the seventh part of what is signed (RFC 5280 §4.1)."""
    pem = ssl.get_server_certificate(("localhost", int(asked["port"])), ca_certs=asked["authority"])
    signed = parts(ssl.PEM_cert_to_DER_cert(pem))[0]
    return base64.b64encode(hashlib.sha256(parts(signed)[6]).digest()).decode()


def parts(der):
    """The values that a value of DER is made of, each with its head."""
    start, end = span(der, 0)
    found = []
    while start < end:
        _, after = span(der, start)
        found.append(der[start:after])
        start = after
    return found


def span(der, at):
    """Where the content of the value at this place begins and ends."""
    length, start = der[at + 1], at + 2
    if length > 127:
        start += length - 128
        length = int.from_bytes(der[at + 2 : start], "big")
    return start, start + length


@contextlib.contextmanager
def showing(asked):
    """Chromium with the page, until the end of the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        program = wrapper(directory)
        options = ["--no-sandbox", "--no-zygote", "--disable-gpu", f"--browser-subprocess-path={program}"]
        # It takes authorities from a store of NSS alone; a key that is named is believed without one.
        options += [f"--ignore-certificate-errors-spki-list={key_hash(asked)}", f"--user-data-dir={directory}/data"]
        # Over QUIC it tries one address only, and IPv6 is not listened on.
        options += ["--host-resolver-rules=MAP localhost 127.0.0.1"]
        options += [option.format(**asked) for option in VERSIONS[asked["speaks"]]]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([program, *options, f"{base(asked)}/page?{name(asked)}"], **quiet)
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def base(asked):
    return f"https://localhost:{asked['port']}/interop"


def name(asked):
    """Of this run of the page."""
    return f"{asked['port']}-{asked['speaks']}"


def reported(asked):
    """What the page has reported, once it has."""
    context = ssl.create_default_context(cafile=asked["authority"])
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(f"{base(asked)}/reported?{name(asked)}", timeout=PATIENCE) as answer:
        return answer.read()
