"""Debian's curl, whose HTTP/3 is OpenSSL's QUIC with nghttp3."""

import os

from adapter import Cannot, heads, main, save, seen
from debian import run


def ask_with_curl(ask):
    arguments = []
    for request in ask["requests"]:
        if request["trailers"]:
            raise Cannot("libcurl sends no trailers over HTTP/3")
        if ["te", "trailers"] in request["fields"]:
            raise Cannot("libcurl with the QUIC of OpenSSL hands trailers on as content")
        arguments += [*options(ask, request), "--next"]
    finished = run("bin/curl", *arguments[:-1])
    cancelled = any(request["cancel"] for request in ask["requests"])
    if finished.returncode and not cancelled:
        raise ConnectionError(finished.stderr.decode().strip())
    interim, status, fields, trailers = heads(last_head(finished.stdout.decode()))
    replies = [{"status": status, "interim": interim, "fields": fields, "trailers": trailers}] if status else []
    return seen(replies, "h3, verified")


def options(ask, request):
    """All requests are of one run of curl, so that they share a connection."""
    options = ["--http3-only", "--silent", "--show-error", "--cacert", ask["authority"]]
    options += ["--dump-header", "-"]
    for name, value in request["fields"]:
        options += ["--header", f"{name}: {value}"]
    if request["body"] is not None:
        options += ["--data-binary", "@" + request["body"]]
    if request["method"] == "HEAD":
        # It reads no content then, and would save the head.
        options += ["--head", "--output", os.devnull]
        save(request, b"")
    else:
        options += ["--output", request["save"]]
    if request["cancel"]:
        # It gives up once it knows that there is more.
        options += ["--max-filesize", "1000"]
    return [*options, ask["url"] + request["path"]]


def last_head(text):
    """The lines of the last response: interim heads come before its own."""
    lines = text.splitlines()
    finals = [i for i, line in enumerate(lines) if line.startswith("HTTP/3 ") and not line.startswith("HTTP/3 1")]
    return lines[finals[-2] + 1 :] if len(finals) > 1 else lines


if __name__ == "__main__":
    main(ask_with_curl)
