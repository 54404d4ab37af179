"""The server of ``cynn draw``: a page and a question, for the browsers of this machine alone."""

import errno
import json
import os
import socketserver
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from ..model import Model
from ._network import N_PIXELS, Reader, checked, checked_white
from ._page import served

ADDRESS = "127.0.0.1"
TIMEOUT = 30  # seconds that a connection may be silent
DRAWING = "application/octet-stream"  # which a page of elsewhere may not send without asking first


class Server(ThreadingHTTPServer):
    """A server on loopback, which listens once it is made; `serve_forever` answers.

    Parameters
    ----------
    model : Model
        As for `cynn.draw.page`, of any layers.
    digits : (x, y) or None
        See `cynn.draw.page`.
    white : float
        See there.
    port : int
        The port; 0 for any that is free.

    Attributes
    ----------
    address : str
        What a browser opens.

    Raises
    ------
    TypeError, ValueError
        If the model cannot be drawn for, or an argument is not as described.
    RuntimeError
        If the model has no weights yet.
    OSError
        If the port is taken.
    """

    allow_reuse_address = os.name == "posix"  # elsewhere two programs would share the port
    daemon_threads = True

    def __init__(self, model: Model, digits: Any, white: float, port: int) -> None:
        white = checked_white(white)
        self.reader = Reader(checked(model), white)
        html, policy = served(model, digits, white)
        self.page, self.policy = html.encode(), f"{policy}; frame-ancestors 'none'"
        try:
            super().__init__((ADDRESS, port), Handler)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise OSError(
                f"port must be free, got {port}: another program listens there, or it is the "
                "system's; 0 takes any that is free"
            ) from error
        self.address = f"http://{ADDRESS}:{self.server_port}/"
        hosts = {ADDRESS, "localhost"}
        self.hosts = {f"{host}:{self.server_port}" for host in hosts}
        if self.server_port == 80:
            self.hosts |= hosts

    def server_bind(self) -> None:
        """Bind; http.server would look the machine's name up, which may take long."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = ADDRESS, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about browsers that are gone; show anything else as socketserver does."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers GET / and POST /answer, whatever else is asked with an error in a line of text."""

    server: Server
    protocol_version = "HTTP/1.1"  # a drawing is many questions: the connection stays
    timeout = TIMEOUT
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Give the page."""
        if self._is_ours() and self._is_at("/"):
            self._send(200, "text/html; charset=utf-8", self.server.page)

    def do_POST(self) -> None:
        """Say what the network makes of a drawing: 784 bytes."""
        if not self._is_ours() or not self._is_at("/answer"):
            return
        if self.headers.get_all("Content-Type") != [DRAWING]:
            self.send_error(415, f"the content type must be {DRAWING}")
        elif self.headers.get_all("Content-Length") != [str(N_PIXELS)]:
            self.send_error(413, f"the body must be {N_PIXELS} bytes, and its length be given")
        elif "Transfer-Encoding" in self.headers:
            self.send_error(400, "the body must be sent as it is, without a transfer encoding")
        else:
            self._answer(self.rfile.read(N_PIXELS))

    def _answer(self, pixels: bytes) -> None:
        if len(pixels) < N_PIXELS:
            self.send_error(400, f"the body must be {N_PIXELS} bytes, got {len(pixels)}")
            return
        try:
            said = self.server.reader.answer(np.frombuffer(pixels, np.uint8))
            body = json.dumps(said, allow_nan=False).encode()
        except ValueError:
            self.send_error(500, "the network gives numbers that are not finite for this drawing.")
            return
        self._send(200, "application/json", body, stays=True)

    def _is_ours(self) -> bool:
        """Return whether the request names this server; refuse it if not.

        A page of elsewhere whose name was made to point here (DNS rebinding) names that one.
        """
        named = self.headers.get_all("Host") or [""]
        if len(named) == 1 and named[0].lower() in self.server.hosts:
            return True
        self.send_error(403, f"the host must be {ADDRESS}: open {self.server.address}")
        return False

    def _is_at(self, path: str) -> bool:
        if self.path == path:
            return True
        self.send_error(404, "there is no such page")
        return False

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Say what is wrong in a line of text, and close: what follows may be its unread body."""
        text = message or self.responses.get(code, ("error", ""))[0]
        self._send(code, "text/plain; charset=utf-8", text.encode(errors="replace"))

    def _send(self, code: int, kind: str, body: bytes, stays: bool = False) -> None:
        self.request_version = self.protocol_version  # what could not be read gets headers too
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", self.server.policy)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        if not stays:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Return the server's name; which Python it is concerns nobody."""
        return "cynn"

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the terminal belongs to the command."""
