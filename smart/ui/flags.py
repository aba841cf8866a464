"""The flags of app.py, read before anything heavy is loaded: a wrong one answers at once."""

from __future__ import annotations

import argparse
import importlib.util
import os
import secrets
import socket
import sys
from dataclasses import dataclass

from smart import serving

VISITOR = "visitor"  # who signs in with a password that was made here


@dataclass(frozen=True)
class Flags:
    """Where the page is served, and to whom; the names are those of smart.ui.app.launch.

    new_password: the password was made here, and whoever starts the app does not know it yet.
    """

    host: str | None
    port: int | None
    share: bool
    auth: tuple[str, str] | None
    mcp: bool = False
    new_password: bool = False
    root_path: str | None = None


def read_flags(arguments: list[str] | None = None) -> Flags:
    """The flags of the command line. Ends the program with 2 where one is wrong."""
    parser = argparse.ArgumentParser(description="Open SMART in the browser.")
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port (default: the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="make a public link for 72 hours")
    password = parser.add_mutually_exclusive_group()
    password.add_argument(
        "--auth", metavar="NAME:PASSWORD",
        help="ask visitors for this password (default: a new one with --share, else none)",
    )  # fmt: skip
    password.add_argument("--no-auth", action="store_true", help="let everyone in, --share or not")
    parser.add_argument(
        "--mcp", action="store_true",
        help="let assistants that speak MCP call faces, portrait, paint and styles as tools",
    )  # fmt: skip
    parser.add_argument(
        "--root-path", metavar="/PATH",
        help="where a reverse proxy shows the page (default: SMART_ROOT_PATH)",
    )  # fmt: skip
    given = parser.parse_args(arguments)
    try:
        serving.current()
    except ValueError as error:
        parser.error(str(error))
    for sentence in serving.unknown(os.environ):
        print(sentence, file=sys.stderr)
    auth = None
    if given.auth is not None:
        name, _, secret = given.auth.partition(":")
        if not name or not secret:
            parser.error("--auth takes NAME:PASSWORD, with neither of them empty.")
        auth = (name, secret)
    if given.port is not None and (problem := port_problem(given.host, given.port)):
        parser.error(problem)
    if given.mcp and importlib.util.find_spec("mcp") is None:
        parser.error("--mcp needs the package mcp; install it with: pip install 'gradio[mcp]'")
    new_password = given.share and auth is None and not given.no_auth
    if new_password:
        auth = (VISITOR, secrets.token_urlsafe(9))
    return Flags(
        given.host, given.port, given.share, auth, given.mcp, new_password, given.root_path
    )  # fmt: skip


def port_problem(host: str | None, port: int) -> str:
    """Why the port cannot be listened on, in one sentence, or an empty text."""
    if not 0 < port < 65536:
        return f"--port is {port}; it must be a whole number from 1 to 65535."
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host or "127.0.0.1", port))
    except OSError as error:
        return f"Port {port} cannot be used ({error.strerror}); choose another with --port."
    return ""
