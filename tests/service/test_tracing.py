"""The service sends traces to the collector that the environment names."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.factories import publish_random_model
from tests.servers import serving, wait_until


class Collector(BaseHTTPRequestHandler):
    """A collector that receives spans over HTTP."""

    received: list[bytes]

    def do_POST(self) -> None:
        self.received.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def test_spans_reach_the_collector(tmp_path: Path) -> None:
    """The span of a request names its route and the service."""
    received: list[bytes] = []
    handler = type("Handler", (Collector,), {"received": received})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        publish_random_model(tmp_path / "store", "tiny")
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        with serving(
            tmp_path / "log", environment=environment, store=tmp_path / "store", model="tiny"
        ) as running:
            assert running.generate(seed="abc", length=20).status == 200
            wait_until(lambda: any(b"/generate" in body for body in received), "the span")
        server.shutdown()
    (body,) = [body for body in received if b"/generate" in body][:1]
    (spans,) = ExportTraceServiceRequest.FromString(body).resource_spans
    names = {each.key: each.value.string_value for each in spans.resource.attributes}
    assert names["service.name"] == "charloom"
    assert any("/generate" in span.name for scope in spans.scope_spans for span in scope.spans)
