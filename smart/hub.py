"""Asking the Hugging Face Hub for a part of a file, and saying in a sentence why it was not given.

What the Hub's own client reads from the environment holds here, too: HF_ENDPOINT (a mirror),
HF_TOKEN, HF_HUB_OFFLINE, HF_HUB_DOWNLOAD_TIMEOUT, HTTPS_PROXY, HTTP_PROXY, NO_PROXY.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from smart.folders import WeightsError, first_line

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
UNREACHED = 3  # tries where there is no connection at all
PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers that may be others in a while

OnWait = Callable[[str], None]


@dataclass(frozen=True)
class Patience:
    """How long what may pass is waited for: tries in a row without a byte, and seconds."""

    tries: int = 6
    first: float = 1.0  # seconds after the first failure; twice as many after each further one
    longest: float = 120.0  # seconds in a row, also where the Hub asks for more


class _Passing(Exception):  # noqa: N818 - no error yet
    """A failure that may pass: why, and how many seconds the Hub asks for."""

    def __init__(self, reason: str, seconds: float | None = None, answered: bool = True) -> None:
        super().__init__(reason)
        self.seconds, self.answered = seconds, answered


class Remote:
    """One file on the Hub at one revision.

    After the first answer commit, etag and size are known ("" and 0 before); an answer that
    belongs to another file than the first is refused. on_wait is called at least twice a second
    while nothing comes, with the reason; what it raises ends the waiting.
    """

    def __init__(
        self, repository: str, file: str, revision: str, patience: Patience, on_wait: OnWait
    ) -> None:
        self.repository, self.file, self.revision = repository, file, revision
        self.patience, self.on_wait = patience, on_wait
        self.commit = self.etag = ""
        self.size = 0

    @property
    def url(self) -> str:
        """Where it is asked for: at the commit as soon as that is known."""
        from huggingface_hub import hf_hub_url

        return str(hf_hub_url(self.repository, self.file, revision=self.commit or self.revision))

    def read(self, start: int, end: int, take: Callable[[bytes], None]) -> None:
        """Hand bytes start to end (exclusive, or the file's own) to take, in order, piece by piece.

        Cuts, pauses and refusals that may pass are waited out; nothing is asked for twice. Raises
        WeightsError with the remedy, and whatever take and on_wait raise.
        """
        tries, waited = 0, 0.0
        while start < (min(end, self.size) if self.size else end):
            try:
                with contextlib.closing(self._pieces(start, end)) as pieces:
                    for piece in pieces:
                        take(piece)
                        start += len(piece)
                        tries, waited = 0, 0.0
            except _Passing as failure:
                tries += 1
                wanted = failure.seconds
                pause = self.patience.first * 2 ** (tries - 1) if wanted is None else wanted
                if waited + pause > self.patience.longest and wanted is not None:
                    raise self._sorry(
                        f"{failure}; it asks to wait {wanted:.0f} s", "try again then"
                    ) from failure
                most = self.patience.tries if failure.answered else UNREACHED
                if tries >= most or waited + pause > self.patience.longest:
                    raise self._sorry(str(failure), _network_remedy()) from failure
                self._wait(pause, str(failure))
                waited += pause

    def _wait(self, seconds: float, reason: str) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.on_wait(reason)
            time.sleep(min(left, 0.25))

    def _pieces(self, start: int, end: int) -> Generator[bytes, None, None]:
        from huggingface_hub import constants
        from huggingface_hub.errors import OfflineModeIsEnabled
        from huggingface_hub.utils import build_hf_headers, get_session

        http, sent = http_library(), 0
        headers = {**build_hf_headers(), "Range": f"bytes={start}-{end - 1}"}
        headers["Accept-Encoding"] = "identity"  # ranges count the file's own bytes
        seconds = float(constants.HF_HUB_DOWNLOAD_TIMEOUT)
        try:
            with get_session().stream(
                "GET", self.url, headers=headers, timeout=seconds, follow_redirects=True
            ) as answer:
                whole = self._checked(answer, start, end, "authorization" in headers)
                for piece in answer.iter_raw():
                    sent += len(piece)
                    if sent > whole:
                        raise self._sorry("it sends more than was asked for", _MIRROR)
                    yield piece
        except OfflineModeIsEnabled as error:
            raise self._sorry("HF_HUB_OFFLINE is set", "unset it to go online") from error
        except http.TimeoutException as error:
            raise _Passing(f"no answer within {seconds:g} s") from error
        except (http.UnsupportedProtocol, http.InvalidURL) as error:
            raise self._sorry(f"{first_line(error)}", "check HF_ENDPOINT") from error
        except http.TooManyRedirects as error:
            raise self._sorry("it redirects in a circle", _MIRROR) from error
        except (http.HTTPError, OSError) as error:
            # Whom nobody ever reached in this call is hardly there in a minute.
            never = isinstance(error, (http.ConnectError, http.ProxyError)) and not self.size
            raise _Passing(first_line(error), answered=not never) from error
        if sent < whole:
            raise _Passing("the connection was cut")

    def _checked(self, answer: Any, start: int, end: int, with_token: bool) -> int:
        """How many bytes the answer has to bring. Raises for one that is not what was asked."""
        if answer.status_code in PASSING:
            raise _Passing(f"it answers {answer.status_code}", _seconds_asked(answer.headers))
        if answer.status_code != 206:
            raise self._refused(answer.status_code, with_token)
        found = _RANGE.fullmatch(answer.headers.get("content-range", ""))
        if found is None or answer.headers.get("content-encoding", "identity") != "identity":
            raise self._sorry("it does not answer ranges of the file", _MIRROR)
        first, last, total = int(found[1]), int(found[2]), found[3]
        size = int(total) if total != "*" else 0
        if first != start or not start <= last < end or (size and last >= size):
            raise self._sorry("it sends another range than was asked for", _MIRROR)
        self._identify(answer, size)
        return last - first + 1

    def _identify(self, answer: Any, size: int) -> None:
        """Remember whose bytes these are, or refuse those of another file."""
        hub = [one.headers for one in (*answer.history, answer)]
        commit = next((h["x-repo-commit"] for h in hub if "x-repo-commit" in h), "")
        linked = next((h["x-linked-etag"] for h in hub if "x-linked-etag" in h), "")
        etag = (linked or hub[-1].get("etag", "")).removeprefix("W/").strip('"')
        if _COMMIT.fullmatch(self.revision) and commit not in ("", self.revision):
            raise self._sorry(f"it gives commit {commit[:12]} for {self.revision[:12]}", _MIRROR)
        if self.size and (size != self.size or etag != self.etag):
            raise self._sorry("the file was changed meanwhile", "try again")
        # The commit becomes part of an address.
        self.commit = self.commit or (commit if _COMMIT.fullmatch(commit) else "")
        self.etag, self.size = etag[:200], size

    def _refused(self, status: int, with_token: bool) -> WeightsError:
        if status == 401:
            return self._sorry(
                "it refuses the token" if with_token else "it asks for a token",
                "renew HF_TOKEN" if with_token else "set HF_TOKEN or use `hf auth login`",
            )
        if status == 403:
            remedy = "ask for access on its page" if with_token else "set HF_TOKEN"
            return self._sorry("it lets only some people read this", remedy)
        if status == 404:
            return self._sorry(f"it has no such file at {self.revision[:40]!r}", _MIRROR)
        if status == 200:
            return self._sorry("it does not answer ranges of the file", _MIRROR)
        if status == 416:
            return self._sorry("its file is shorter than it should be", _MIRROR)
        return self._sorry(f"it answers {status}", _MIRROR)

    def _sorry(self, reason: str, remedy: str) -> WeightsError:
        host = urlsplit(self.url).netloc.rpartition("@")[2]  # never a password in it
        return WeightsError(
            f"{self.repository} could not be fetched from {host} ({reason}); {remedy}, the bundled "
            "VGG-16 paints meanwhile."
        )


_MIRROR = "check HF_ENDPOINT, the revision and the proxy"


def _network_remedy() -> str:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        if os.environ.get(name) or os.environ.get(name.lower()):
            return f"check the network and {name}, and try again"
    return "check the network and try again"


def _seconds_asked(headers: Any) -> float | None:
    """How long a server asks to be left alone, by either header; None where it does not say."""
    said = str(headers.get("retry-after", "")).strip()
    if said.isdigit():
        return float(said)
    if found := re.search(r";\s*t\s*=\s*(\d+)", headers.get("ratelimit", "")):
        return float(found[1])
    return None


def http_library() -> Any:
    """The library the Hub's client speaks HTTP with; older ones have another."""
    from huggingface_hub.errors import HfHubHTTPError

    base = next(one for one in HfHubHTTPError.__mro__ if one.__name__ == "HTTPError")
    return importlib.import_module(base.__module__.partition(".")[0])
