"""What the servers of others share: one argument in (JSON, the last), and a line that says that they listen."""

import ctypes
import json
import os
import subprocess
import sys

READY = "interop: ready"


def start():
    """What the server is told: port, directory, demo, backend."""
    return json.loads(sys.argv[-1])


def ready():
    print(READY, flush=True)


def run(command, sign):
    """Runs `command` until this program is ended; `sign` is what it logs once it listens."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
    for line in process.stderr:
        if sign in line:
            ready()
    return process.wait()


def die_with_parent():
    """Ends the program with this one, which may be killed."""
    ctypes.CDLL(None).prctl(1, 9)


def write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path
