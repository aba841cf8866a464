"""A real reverse proxy that shows an app under a path, as nginx does."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class Proxy:
    """Serves http://127.0.0.1:port/prefix/ from the app at target (a port); stop() ends it."""

    def __init__(self, target: int, prefix: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def forward(self) -> None:
                if not self.path.startswith(prefix + "/"):
                    # The icon of the whole site, which every browser asks for, is not ours.
                    self.send_response(204 if self.path == "/favicon.ico" else 404)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                there = http.client.HTTPConnection("127.0.0.1", target, timeout=120)
                length = int(self.headers.get("content-length", 0))
                headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
                headers |= {"Host": self.headers["host"], "X-Forwarded-Host": self.headers["host"]}
                headers["X-Forwarded-Proto"] = "http"
                body = self.rfile.read(length) if length else None
                there.request(self.command, self.path[len(prefix) :], body, headers)
                answer = there.getresponse()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in HOP:
                        self.send_header(name, value)
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                while part := answer.read1(65536):  # what is streamed comes at once
                    self.wfile.write(part)
                    self.wfile.flush()
                there.close()

            do_GET = do_POST = do_HEAD = forward  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{prefix}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
