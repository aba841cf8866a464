"""A Hub on this machine: two real HTTP servers that speak what the Hub's client and SMART ask for.

The hub knows repositories with commits; large files it redirects to the storage, which is another
host to a client, as on the real one. misbehave can answer instead of either.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import sys
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import torch
from safetensors.torch import save

LARGE = 100_000  # bytes; and all safetensors: such files lie in the storage
_RESOLVE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_API = re.compile(r"/api/(models|spaces)/([^/]+/[^/]+)(?:/(revision|tree|preupload|commit)/(.+))?")


def blob_id(content: bytes) -> str:
    """What git calls a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Repository:
    """Commits, the last of which is main."""

    private: bool = False
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes | None]) -> str:
        """A further commit with these files changed, or deleted where None."""
        tree = dict(self.commits[-1][1]) if self.commits else {}
        for path, content in files.items():
            if content is None:
                tree.pop(path, None)
            else:
                tree[path] = content
        told = "".join(f"{path}{blob_id(content)}" for path, content in sorted(tree.items()))
        sha = hashlib.sha1(f"{len(self.commits)}{told}".encode()).hexdigest()
        self.commits.append((sha, tree))
        return sha

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """(sha, files) of a branch or commit."""
        if revision == "main" and self.commits:
            return self.commits[-1]
        wanted = self.branches.get(revision, revision)
        return next((one for one in self.commits if one[0] == wanted), None)


@dataclass
class Seen:
    """A request that came."""

    where: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    sent: int = 0


class Handler(BaseHTTPRequestHandler):
    """One request to the hub or its storage."""

    protocol_version = "HTTP/1.1"
    hub: LocalHub
    where: str

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen = Seen(self.where, self.command, unquote(self.path), headers, body)
        self.hub.requests.append(self.seen)
        if self.hub.misbehave(self):
            return
        if self.where == "storage":
            self.storage()
        elif found := _RESOLVE.fullmatch(urlsplit(self.seen.path).path):
            self.resolve(*found.groups())
        else:
            self.api()

    do_GET = do_HEAD = do_POST = do_PUT = handle_any  # noqa: N815

    def answer(self, code: int, body: bytes | Any = b"", **headers: str) -> None:
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.seen.sent += len(body)

    def cut(self, code: int, body: bytes, length: int, **headers: str) -> None:
        """Promise length bytes, send the body, and hang up."""
        self.answer(code, body, Content_Length=str(length), **headers)
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def allowed(self, repository: Repository) -> bool:
        token = self.headers.get("authorization", "")
        return not repository.private or token == f"Bearer {self.hub.token}"

    def resolve(self, name: str, revision: str, path: str) -> None:
        repository = self.hub.repositories.get(name)
        if repository is None or not self.allowed(repository):
            return self.answer(401, X_Error_Code="RepoNotFound")
        found = repository.at(revision)
        if found is None or path not in found[1]:
            missing = "RevisionNotFound" if found is None else "EntryNotFound"
            return self.answer(404, X_Error_Code=missing)
        sha, content = found[0], found[1][path]
        if not self.large(path, content):
            return self.part(content, X_Repo_Commit=sha, ETag=f'"{blob_id(content)}"')
        oid = self.hub.store(content)
        return self.answer(
            302, Location=f"{self.hub.storage_url}/lfs/{oid}", X_Repo_Commit=sha,
            X_Linked_Etag=f'"{oid}"', X_Linked_Size=str(len(content)),
        )  # fmt: skip

    def large(self, path: str, content: bytes) -> bool:
        return path.endswith(".safetensors") or len(content) > LARGE

    def part(self, content: bytes, **headers: str) -> None:
        """The content, or the range of it that was asked for."""
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)?", self.headers.get("range", ""))
        if asked is None:
            return self.answer(200, content, Accept_Ranges="bytes", **headers)
        start, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        if start > last:
            return self.answer(416, Content_Range=f"bytes */{len(content)}")
        told = f"bytes {start}-{last}/{len(content)}"
        return self.answer(206, content[start : last + 1], Content_Range=told, **headers)

    def storage(self) -> None:
        oid = self.path.rpartition("/")[2]
        if self.command == "PUT":
            if hashlib.sha256(self.seen.body).hexdigest() != oid:
                return self.answer(400)
            self.hub.stored[oid] = self.seen.body
            return self.answer(200)
        if oid not in self.hub.stored:
            return self.answer(404)
        return self.part(self.hub.stored[oid], ETag='"of the storage"')

    def api(self) -> None:
        path = urlsplit(self.seen.path).path
        if path == "/api/repos/create":
            return self.create()
        if path == "/api/whoami-v2":
            return self.answer(200, {"name": "someone", "type": "user", "orgs": []})
        if path == "/api/validate-yaml":
            return self.answer(200, {"warnings": [], "errors": []})
        if path.endswith(".git/info/lfs/objects/batch"):
            return self.batch()
        found = _API.fullmatch(path)
        if found is None:
            return self.answer(404, {"error": "no such address"})
        _, name, action, revision = found.groups()
        repository = self.hub.repositories.get(name)
        if repository is None or not self.allowed(repository):
            return self.answer(401, X_Error_Code="RepoNotFound")
        if action == "preupload":
            return self.preupload()
        if action == "commit":
            return self.commit(name, repository)
        at = repository.at(revision or "main") or ("0" * 40, {})
        if repository.at(revision or "main") is None and revision:
            return self.answer(404, X_Error_Code="RevisionNotFound")
        if action == "tree":
            return self.answer(200, [self.entry(path, c) for path, c in sorted(at[1].items())])
        siblings = [{"rfilename": path} for path in sorted(at[1])]
        return self.answer(200, {
            "_id": "1", "id": name, "modelId": name, "sha": at[0], "private": repository.private,
            "siblings": siblings, "tags": [], "downloads": 0, "likes": 0,
        })  # fmt: skip

    def entry(self, path: str, content: bytes) -> dict[str, Any]:
        known: dict[str, Any] = {
            "type": "file", "path": path, "size": len(content), "oid": blob_id(content),
        }  # fmt: skip
        if self.large(path, content):
            oid = self.hub.store(content)
            known["lfs"] = {"oid": oid, "size": len(content), "pointerSize": 130}
        return known

    def create(self) -> None:
        if self.headers.get("authorization") != f"Bearer {self.hub.token}":
            return self.answer(401, {"error": "Invalid username or password."})
        wanted = json.loads(self.seen.body)
        name = f"{wanted.get('organization') or 'someone'}/{wanted['name']}"
        url = f"{self.hub.url}/{name}"
        if name in self.hub.repositories:
            return self.answer(409, {"error": "You already created this", "url": url})
        private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        self.hub.repositories[name] = Repository(private)
        self.hub.repositories[name].commit({".gitattributes": b"*.safetensors filter=lfs\n"})
        return self.answer(200, {"url": url})

    def preupload(self) -> None:
        files = [
            {
                "path": one["path"], "shouldIgnore": False, "oid": None,
                "uploadMode": "lfs" if self.large(one["path"], b" " * one["size"]) else "regular",
            }
            for one in json.loads(self.seen.body)["files"]
        ]  # fmt: skip
        self.answer(200, {"files": files})

    def batch(self) -> None:
        objects = []
        for one in json.loads(self.seen.body)["objects"]:
            known = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.hub.stored:
                href = f"{self.hub.storage_url}/lfs/{one['oid']}"
                known["actions"] = {"upload": {"href": href, "header": {}}}
            objects.append(known)
        self.answer(200, {"transfer": "basic", "objects": objects})

    def commit(self, name: str, repository: Repository) -> None:
        if self.headers.get("authorization") != f"Bearer {self.hub.token}":
            return self.answer(403, {"error": "no write access"})
        files: dict[str, bytes | None] = {}
        for line in self.seen.body.splitlines():
            said = json.loads(line)
            value = said["value"]
            if said["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif said["key"] == "lfsFile":
                files[value["path"]] = self.hub.stored[value["oid"]]
            elif said["key"] == "deletedFile":
                files[value["path"]] = None
        sha = repository.commit(files)
        return self.answer(200, {
            "commitUrl": f"{self.hub.url}/{name}/commit/{sha}", "commitOid": sha, "success": True,
        })  # fmt: skip

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A client that hangs up is no accident here."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(*_)


class LocalHub:
    """The two servers; url is what HF_ENDPOINT is set to."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.stored: dict[str, bytes] = {}
        self.requests: list[Seen] = []
        self.token = "hf_right"
        self.misbehave: Callable[[Any], bool] = lambda _: False
        self.servers = []
        for where in ("hub", "storage"):
            handler = type("Bound", (Handler,), {"hub": self, "where": where})
            server = Server(("127.0.0.1", 0), handler)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            self.servers.append(server)
        self.url, self.storage_url = (f"http://127.0.0.1:{s.server_port}" for s in self.servers)

    def store(self, content: bytes) -> str:
        """Keep a large file; its address."""
        oid = hashlib.sha256(content).hexdigest()
        self.stored[oid] = content
        return oid

    def sent(self) -> int:
        """Bytes of bodies so far."""
        return sum(one.sent for one in self.requests)

    def close(self) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()


def whole(shapes: dict[str, tuple[int, ...]], seed: int = 0, **more: tuple[int, ...]) -> bytes:
    """A file as the Hub has it: the wanted tensors among others."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {
        name: 0.05 * torch.randn(shape, generator=generator)
        for name, shape in {**shapes, **more}.items()
    }
    return save(tensors)


def all_of_vgg19() -> bytes:
    """A file of VGG-19: what the painter needs, and some of what it does not."""
    from smart.painting.vgg import BLOCKS, tensor_shapes

    others = {"features.34.weight": (512, 512, 3, 3), "head.fc.weight": (1000, 4096)}
    return whole(tensor_shapes(BLOCKS["vgg19"]), **others)


class Proxy(Server):
    """A proxy for http that notes what it fetched; for https it notes who wanted a tunnel."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class ProxyHandler(BaseHTTPRequestHandler):
    """Hands on GET requests without following redirects."""

    server: Proxy

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), _NoRedirect, urllib.request.HTTPHandler
        )
        try:
            answer = opener.open(urllib.request.Request(self.path, headers=headers), timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("connection", "server", "date"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self) -> None:
        self.server.asked.append(self.path)
        self.send_error(407)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None
