"""Which painters a visitor sees: those in styles/, and the visitor's own.

On one's own machine a painter that is added goes into styles/ and stays. On a Space or behind a
share link it lives in a folder of its session: nobody else sees it, and it is deleted an hour
after the page was closed (gradio keeps a session so long for a telephone that slept).
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path

from smart import styles
from smart.new_style import USUAL, Limits
from smart.styles import Catalogue
from smart.ui import home

HOME = USUAL
VISITOR = Limits(works=12, longest=1024, styles=8, bytes=40_000_000)
SESSIONS = 50  # with painters of their own; 2 GB at the very most


class OwnPainters:
    """A folder for each session that has painters of its own; the longest unused goes first."""

    def __init__(self, sessions: int = SESSIONS) -> None:
        self._sessions = sessions
        self._lock = threading.Lock()
        self._folders: OrderedDict[str, Path] = OrderedDict()

    def folders(self, session: str) -> tuple[Path, ...]:
        """The session's folder, if it has one."""
        with self._lock:
            if session not in self._folders:
                return ()
            self._folders.move_to_end(session)
            return (self._folders[session],)

    def folder(self, session: str) -> Path:
        """The session's folder, made where it has none. Raises ValueError without a session."""
        if not session:
            raise ValueError("The page has no session; reload it.")
        with self._lock:
            if session not in self._folders:
                while len(self._folders) >= self._sessions:
                    _, gone = self._folders.popitem(last=False)
                    shutil.rmtree(gone, ignore_errors=True)
                # A session's name is anyone's text: it never becomes part of a path.
                self._folders[session] = Path(tempfile.mkdtemp(prefix="smart-painters-"))
            self._folders.move_to_end(session)
            return self._folders[session]

    def forget(self, session: str) -> None:
        """The session is over: its painters go."""
        with self._lock:
            gone = self._folders.pop(session, None)
        if gone is not None:
            shutil.rmtree(gone, ignore_errors=True)

    def clear(self) -> None:
        """All of them go: the app ends."""
        for session in list(self._folders):
            self.forget(session)


own_painters = OwnPainters()
atexit.register(own_painters.clear)


def catalogue(session: str | None = "") -> Catalogue:
    """The painters that a session can use: everyone's, and then its own."""
    return styles.scan(more=own_painters.folders(session or ""))


def place(session: str | None) -> tuple[Path, Limits]:
    """Where the session's new painters go, and how many may. Raises ValueError, see folder."""
    if home.own_machine():
        return styles.styles_folder(), HOME
    return own_painters.folder(session or ""), VISITOR


def may_change(session: str | None) -> tuple[Path, ...]:
    """The folders whose added painters the session may rename and remove."""
    own = own_painters.folders(session or "")
    return (styles.styles_folder(), *own) if home.own_machine() else own
