"""`python -m benchmarks.peers module:Class.method`: one side, driven line by line.

The process prints `"ready"`. For each input line `{"size": …, "count": …}`, the process calls the
method with both numbers and prints `{"seconds": …}`.
"""

import importlib
import json
import os
import sys
from operator import attrgetter
from time import perf_counter


def main(side: str) -> None:
    """Answer every line until the input ends."""
    # The output of libraries goes to standard error.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    module, _, path = side.partition(":")
    name, _, method = path.partition(".")
    work = attrgetter(method)(getattr(importlib.import_module(f"{__package__}.{module}"), name)())
    print('"ready"', file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        start = perf_counter()
        work(asked["size"], asked["count"])
        print(json.dumps({"seconds": perf_counter() - start}), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
