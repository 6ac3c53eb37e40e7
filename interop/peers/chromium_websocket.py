"""The WebSocket of Chromium, asked by a page."""

import json

from chromium import reported, showing
from judge import say, told

if __name__ == "__main__":
    asked = told()
    with showing(asked):
        verdicts = json.loads(reported(asked))
    say(verdicts)
