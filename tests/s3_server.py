"""moto's S3 on the port that is the argument: `python -m tests.s3_server PORT`.

Its own command answers requests at once in threads, and its "only if there is none" looks first and
writes then, so that two writers can both be first. S3 promises that they cannot.
"""

import sys
from collections.abc import Iterable
from threading import Lock
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

_moto = DomainDispatcherApplication(create_backend_app)
_one_at_a_time = Lock()


def s3(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer one request while no other is answered."""
    with _one_at_a_time:
        answer: Iterable[bytes] = _moto(environ, start_response)
        return answer


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), s3, threaded=True)
