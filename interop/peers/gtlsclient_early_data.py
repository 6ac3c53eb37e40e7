"""gtlsclient: clients that come back, each with a GET in early data. One argument in (JSON: url, authority, clients).

It says that early data was rejected, and shows the packets that it sends; of resumption it says nothing.
"""

import os
import tempfile
from urllib.parse import urlsplit

from adapter import main
from debian import run


def ask_once(ask, directory):
    url = urlsplit(ask["url"])
    kept = [f"--session-file={directory}/session", f"--tp-file={directory}/parameters", "--wait-for-ticket"]
    arguments = ["--no-http-dump", "--exit-on-all-streams-close", "--timeout=5s", *kept]
    finished = run("bin/gtlsclient", *arguments, url.hostname, str(url.port), ask["url"] + "/early")
    return finished.stderr.decode(errors="replace") + finished.stdout.decode(errors="replace")


def comes_back(ask, counts):
    with tempfile.TemporaryDirectory() as directory:
        ask_once(ask, directory)
        if not os.path.exists(f"{directory}/session"):
            raise ConnectionError("no ticket came")
        log = ask_once(ask, directory)
    sent = "type=0RTT" in log
    rejected = "Early data was rejected by server" in log
    counts["accepted"] += sent and not rejected
    counts["answered"] += ":status: 200" in log


def all_come_back(ask):
    counts = {"resumed": None, "accepted": 0, "answered": 0}
    for _ in range(ask["clients"]):
        comes_back(ask, counts)
    return counts


if __name__ == "__main__":
    main(all_come_back)
