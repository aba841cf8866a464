"""Someone who speaks to the running app without its page, as an attacker would."""

from __future__ import annotations

import copy
import json
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import Server

FILES = {"file", "image", "imageeditor", "gallery", "imageslider", "video", "uploadbutton"}


class Caller:
    """One session with a server: its events by number or by the name of their function."""

    def __init__(self, server: Server, session: str | None = None) -> None:
        self.url, self.session = server.url, session or secrets.token_hex(6)
        self.http = httpx.Client(base_url=server.url, timeout=60)
        config = self.http.get("config").json()
        self.components = {one["id"]: one for one in config["components"]}
        self.events = {one["id"]: one for one in config["dependencies"]}

    def number(self, name: str) -> int:
        """Of the first event whose function is called so."""
        return next(n for n, event in self.events.items() if event["api_name"] == name)

    def kinds(self, number: int) -> list[str]:
        """What the inputs of an event are."""
        return [self.components[one]["type"] for one in self.events[number]["inputs"]]

    def usual(self, number: int) -> list[Any]:
        """The inputs of an event as the page has them at first."""
        values = (
            self.components[one]["props"].get("value") for one in self.events[number]["inputs"]
        )
        return copy.deepcopy(list(values))

    def with_file(self, number: int, file: dict[str, Any]) -> list[Any]:
        """The usual inputs, with the file wherever one is taken."""
        data = self.usual(number)
        for place, one in enumerate(self.events[number]["inputs"]):
            component = self.components[one]
            if component["type"] == "gallery":
                data[place] = [{"image": file, "caption": None}]
            elif component["type"] == "imageeditor":
                data[place] = {"background": file, "layers": [file], "composite": file}
            elif component["type"] in FILES:
                several = component["props"].get("file_count") == "multiple"
                data[place] = [file] if several else file
        return data

    def join(self, number: int, data: list[Any], **more: Any) -> httpx.Response:
        body = {"data": data, "fn_index": number, "session_hash": self.session, **more}
        return self.http.post("gradio_api/queue/join", json=body)

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the server says of this session's events, until they are done."""
        told = {"session_hash": self.session}
        with self.http.stream("GET", "gradio_api/queue/data", params=told, timeout=120) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    message = json.loads(line[5:])
                    yield message
                    if message["msg"] in ("close_stream", "unexpected_error"):
                        return

    def ask(self, event: int | str, data: list[Any] | None = None, **more: Any) -> tuple[bool, str]:
        """(whether it was done, all that came back as text)."""
        number = self.number(event) if isinstance(event, str) else event
        if not self.events[number]["queue"]:  # they answer at once
            body = {"data": data, "fn_index": number, "session_hash": self.session, **more}
            answer = self.http.post("gradio_api/run/predict", json=body)
            return answer.status_code == 200, answer.text
        answer = self.join(number, self.usual(number) if data is None else data, **more)
        if answer.status_code != 200:
            return False, answer.text
        for message in self.messages():
            if message["msg"] == "process_completed":
                return bool(message["success"]), json.dumps(message["output"], ensure_ascii=False)
        return False, "nothing came back"

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        """A file among the page's uploads, as an input takes it."""
        answer = self.http.post("gradio_api/upload", files={"files": (name, content)})
        answer.raise_for_status()
        path = answer.json()[0]
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}


class Listener:
    """An HTTP server that nobody may ask; asked holds who did."""

    def __init__(self, content: bytes = b"") -> None:
        self.asked: list[str] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                listener.asked.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(content)

            do_HEAD = do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def all_files(folder: Path) -> set[Path]:
    """Every file below a folder."""
    return {path for path in folder.rglob("*") if path.is_file()}
