"""The other end of a ResponseURL: takes responses and signals over real TLS, and misbehaves on request."""

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from sandbox.tls import Certificate

SLOW = 400
"""A status that S3 gives with the code RequestTimeout when a body came too slowly."""
_BODIES = {SLOW: b"<Error><Code>RequestTimeout</Code></Error>"}
"""Bodies of answers: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""


@dataclass(frozen=True)
class Received:
    """One PUT."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    """What it was answered with."""

    @property
    def answer(self) -> dict[str, Any]:
        """The body, read as CloudFormation reads it."""
        answer: dict[str, Any] = json.loads(self.body)
        return answer


@dataclass
class Receiver:
    """An HTTPS server on a free port of the loopback interface."""

    certificate: Certificate
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """Statuses of the coming answers, 200 when used up; 0 hangs up without a word."""
    before: Callable[[str], None] | None = None
    """Called with the name of each request before it counts as received."""
    after: Callable[[str], None] | None = None
    """Called with the name of each request after it was received, before it is answered."""

    def __post_init__(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                receiver.take(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that hangs up, or is hung up on, is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate.certificate, self.certificate.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self) -> str:
        """Where to PUT."""
        return f"https://{self.host}"

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def accepted(self) -> list[dict[str, Any]]:
        """Bodies that were answered with 2xx, in order."""
        return [each.answer for each in self.received if 200 <= each.status < 300]

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Reads one PUT and answers it."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        name = f"PUT {request.path.partition('?')[0]}"
        if self.before:
            self.before(name)
        status = self.statuses.pop(0) if self.statuses else 200
        self.received.append(Received(request.path, dict(request.headers), body, status))
        if self.after:
            self.after(name)
        if status == 0:
            request.close_connection = True
            return
        answer = _BODIES.get(status, b"")
        request.send_response(status)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
