"""What the servers of others share: one argument in (JSON, the last), lines on standard output that say what has happened,
and `drain` on standard input for a server that has to go while it has work."""

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import threading

READY = "interop: ready"
CANCELLED = "interop: cancelled"
DRAINING = "interop: draining"


def start():
    """What the server is told: port, directory, demo, backend."""
    return json.loads(sys.argv[-1])


def say(line):
    print(line, flush=True)


def run(command, listening, cancelled, drain=None):
    """Runs `command` until this program is ended. The patterns are of what it logs once it listens, and when a client gave
    a response up. `drain` makes it go; ended by that, it is started again."""
    told = threading.Event()
    while True:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, preexec_fn=end_with_parent)
        if drain and not told.is_set():
            threading.Thread(target=await_drain, args=(process, drain, told), daemon=True).start()
        for line in process.stderr:
            if re.search(listening, line):
                say(READY)
            if re.search(cancelled, line):
                say(CANCELLED)
        if process.wait() or not told.is_set():
            return


def await_drain(process, drain, told):
    for _ in sys.stdin:
        told.set()
        drain(process)
        say(DRAINING)


def end_with_parent():
    """Ends the program with this one, which may be killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path
