"""Debian's curl takes a page of 100 objects as a browser would: all at once on one connection over HTTP/2 and HTTP/3, and on
six connections over HTTP/1.1."""

import collections
import json
import pathlib
import tempfile

from debian import run
from judge import Wrong, bytes_of, expect, say, told, verdict
from page_server import OBJECTS, size

VERSIONS = {"h1": ("--http1.1", 6), "h2": ("--http2", OBJECTS), "h3": ("--http3-only", OBJECTS)}


def curl(asked, *arguments):
    finished = run("bin/curl", "--silent", "--show-error", "--cacert", asked["authority"], *arguments)
    if finished.returncode:
        raise Wrong(f"curl: {finished.stderr.decode().strip()}")
    return finished.stdout.decode()


def take(asked, directory):
    """What curl says of each object: its status, version and the connections that were opened for it."""
    version, at_once = VERSIONS[asked["speaks"]]
    base = f"https://localhost:{asked['port']}/interop"
    options = [version, "--parallel", "--parallel-max", str(at_once), "--max-time", "60"]
    options += ["--write-out", "%{http_code} %{http_version} %{num_connects}\\n"]
    for number in range(OBJECTS):
        options += ["--output", f"{directory}/{number}", f"{base}/{number}"]
    curl(asked, version, f"{base}/counts")
    lines = [line.split() for line in curl(asked, *options).splitlines()]
    return lines, json.loads(curl(asked, version, f"{base}/counts"))


def case_whole(lines, directory):
    for number in range(OBJECTS):
        saved = pathlib.Path(directory, str(number))
        content = saved.read_bytes() if saved.exists() else b""
        expect(content == bytes_of(size(number)), True, f"that object {number} of {size(number)} bytes is right")
    expect(collections.Counter(status for status, _, _ in lines), {"200": OBJECTS}, "the statuses")
    return f"{OBJECTS} objects, {sum(map(size, range(OBJECTS)))} bytes"


def case_once(counts):
    expect(counts, {f"/interop/{number}": 1 for number in range(OBJECTS)}, "how often each was asked for")
    return "each was asked for once"


def case_connections(asked, lines):
    version = asked["speaks"].removeprefix("h")
    expect({came for _, came, _ in lines}, {"1.1" if version == "1" else version}, "the version")
    opened = sum(int(connects) for _, _, connects in lines)
    expect(opened, 6 if version == "1" else 1, "how many connections were opened")
    return f"{opened} opened"


if __name__ == "__main__":
    asked = told()
    with tempfile.TemporaryDirectory() as directory:
        try:
            lines, counts = take(asked, directory)
        except Wrong as wrong:
            say({name: {"failed": str(wrong)} for name in ("whole", "once", "connections")})
        else:
            say({
                "whole": verdict(lambda: case_whole(lines, directory)),
                "once": verdict(lambda: case_once(counts)),
                "connections": verdict(lambda: case_connections(asked, lines)),
            })
