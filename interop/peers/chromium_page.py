"""Chromium takes a page of 100 objects."""

import json

from chromium import reported, showing
from judge import expect, say, told, verdict
from page_server import OBJECTS, size

NAMES = {"h1": "http/1.1", "h2": "h2", "h3": "h3"}


def case_whole(report):
    expect(report["wrong"], [], "the objects that are not right")
    return f"{OBJECTS} objects, {sum(map(size, range(OBJECTS)))} bytes"


def case_once(report):
    expect(report["counts"], {f"/interop/{number}": 1 for number in range(OBJECTS)}, "how often each was asked for")
    return "each was asked for once"


def case_connections(asked, report):
    expect(report["versions"], [NAMES[asked["speaks"]]], "the version")
    # The page itself came on the first one.
    opened = 1 + report["connections"]
    most = 6 if asked["speaks"] == "h1" else 1
    expect(opened <= most, True, f"that no more than {most} connections were opened: {opened} were; that")
    return f"{opened} opened"


if __name__ == "__main__":
    asked = told()
    with showing(asked):
        report = json.loads(reported(asked))
    say({
        "whole": verdict(lambda: case_whole(report)),
        "once": verdict(lambda: case_once(report)),
        "connections": verdict(lambda: case_connections(asked, report)),
    })
