"""gtlsclient, the example client of ngtcp2 and nghttp3, with GnuTLS. What it saw is in the log that it prints."""

import os
import re
import tempfile
from urllib.parse import urlsplit

from adapter import Cannot, main, reply, seen
from debian import run

FIELD = re.compile(r"http: stream 0x0 \[(:?[^:]+): (.*)\]$")


def ask_with_gtlsclient(ask):
    [request] = only_one(ask["requests"])
    if request["trailers"]:
        raise Cannot("sends no trailers")
    # It says nothing of `te: trailers`: whether a server sends them all the same is the server's choice.
    if [name for name, _ in request["fields"] if name != "te"]:
        raise Cannot("sends no fields but its own")
    url = urlsplit(ask["url"])
    with tempfile.TemporaryDirectory() as directory:
        arguments = ["--http-method", request["method"], "--no-http-dump", "--download", directory]
        if ask["await_goaway"]:
            # It shows the bytes of the control stream, and stays until the server closes the connection.
            arguments += ["--timeout", "20s"]
        else:
            arguments += ["--no-quic-dump", "--exit-on-all-streams-close"]
        if request["body"] is not None:
            arguments += ["--data", request["body"]]
        finished = run("bin/gtlsclient", *arguments, url.hostname, str(url.port), ask["url"] + request["path"])
        log = finished.stderr.decode(errors="replace").splitlines()
        if "http: stream 0x0 headers ended" not in log:
            raise ConnectionError(next((line for line in reversed(log) if line.startswith("ngtcp2_")), "no response"))
        body = b"".join(read(entry.path) for entry in os.scandir(directory))
    return answered(request, log, body)


def answered(request, log, body):
    sections, current = [], {}
    for line in log:
        field = FIELD.match(line)
        if field:
            current[field[1]] = field[2]
        elif re.match(r"http: stream 0x0 (headers|trailers) ended", line):
            sections.append(current)
            current = {}
    interim = [int(section[":status"]) for section in sections if section.get(":status", "").startswith("1")]
    head, *rest = sections[len(interim) :]
    trailers = rest[0] if rest else {}
    replies = [reply(request, head[":status"], head, body, interim, trailers)]
    return seen(replies, "h3, the certificate is not verified", goaway(log))


def goaway(log):
    """Whether a GOAWAY frame stands in what came on the server's control stream after its first bytes."""
    starts = [i for i, line in enumerate(log) if line == "Ordered STREAM data stream_id=0x3"]
    return any(re.match(r"0{8}  07 ", log[i + 1]) for i in starts)


def only_one(requests):
    if len(requests) != 1:
        raise Cannot("has no way to give a request up")
    return requests


def read(path):
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    main(ask_with_gtlsclient)
