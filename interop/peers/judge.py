"""What the clients share that judge by themselves, because what they see is more than a response: one JSON argument in,
one line out, with a verdict for each case. src/applications/mod.rs says what is in both."""

import json
import sys
import threading


class Wrong(Exception):
    """What was seen is not what must be."""


def expect(seen, expected, what):
    if seen != expected:
        raise Wrong(f"{what}: {shortened(seen)} instead of {shortened(expected)}")


def shortened(value):
    text = repr(value)
    return text if len(text) < 200 else f"{text[:100]} and so on, {len(text)} characters"


def told():
    """What the client is told: port, authority, speaks."""
    return json.loads(sys.argv[-1])


def verdict(run):
    """What becomes of a case: `run` returns words for what was seen, or raises."""
    try:
        return {"ok": run()}
    except Wrong as wrong:
        return {"failed": str(wrong)}
    except Exception as error:  # Whatever a client raises is what became of the case.
        return {"failed": f"{type(error).__name__}: {error}"}


def say(verdicts):
    print(json.dumps(verdicts), flush=True)


def bytes_of(length):
    """Bytes without a short period, the same in each run."""
    state, block = 1, bytearray()
    for _ in range(min(length, 65537)):
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        block.append(state >> 24)
    return (bytes(block) * (length // max(len(block), 1) + 1))[:length]


class Notes:
    """Facts that one call leaves and another one waits for, by name."""

    def __init__(self):
        self.changed, self.facts = threading.Condition(), {}

    def leave(self, name, fact):
        with self.changed:
            self.facts[name] = fact
            self.changed.notify_all()

    def wait(self, name, patience):
        """The fact, or None."""
        with self.changed:
            self.changed.wait_for(lambda: name in self.facts, patience)
            return self.facts.get(name)
