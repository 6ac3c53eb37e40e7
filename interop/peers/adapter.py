"""What the adapters written in Python share: one ask in (JSON, the last argument), one line of JSON out.

src/adapter.rs says what is in both. An adapter judges nothing; it says what it saw.
"""

import json
import sys


class Cannot(Exception):
    """The client has no way to do what is asked."""


def main(run):
    """Does the ask with `run`, which returns what was seen: connection, replies, goaway."""
    ask = json.loads(sys.argv[-1])
    try:
        said = {"seen": run(ask)}
    except Cannot as reason:
        said = {"cannot": str(reason)}
    except Exception as error:  # Whatever a client raises is what became of the case.
        said = {"failed": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)


def seen(replies, connection, goaway=None):
    """`goaway` is None for a client that does not show it."""
    return {"connection": connection, "replies": replies, "goaway": goaway}


def reply(request, status, fields, body, interim=(), trailers=None):
    """Saves the content where the request wants it."""
    save(request, body)
    return {"status": int(status), "interim": list(interim), "fields": fields, "trailers": trailers or {}}


def save(request, body):
    with open(request["save"], "wb") as file:
        file.write(body)


def content(request):
    """What is to be sent, or None."""
    if request["body"] is None:
        return None
    with open(request["body"], "rb") as file:
        return file.read()


def heads(lines):
    """Splits header lines as libcurl gives them: the statuses of interim responses, the final status, its fields, and
    its trailers."""
    interim, status, fields, trailers = [], 0, {}, {}
    section = None
    for line in lines:
        line = line.strip()
        if line.startswith("HTTP/3 "):
            if status and status < 200:
                interim.append(status)
            status, fields, section = int(line.split()[1]), {}, fields
            section = fields
        elif not line:
            section = trailers
        elif section is not None:
            name, _, value = line.partition(":")
            section[name.strip().lower()] = value.strip()
    return interim, status, fields, trailers
