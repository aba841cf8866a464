"""Launches SMART: `python app.py --help`. A Space finds `demo` here."""

from __future__ import annotations

import argparse

from smart.ui.app import build, launch, port_problem

demo = build()


def main() -> None:
    parser = argparse.ArgumentParser(description="Open SMART in the browser.")
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port (default: the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="make a public link for 72 hours")
    parser.add_argument("--auth", metavar="NAME:PASSWORD", help="ask visitors for this password")
    arguments = parser.parse_args()
    auth = None
    if arguments.auth is not None:
        name, _, password = arguments.auth.partition(":")
        if not name or not password:
            parser.error("--auth takes NAME:PASSWORD, with neither of them empty.")
        auth = (name, password)
    if arguments.port is not None and (problem := port_problem(arguments.host, arguments.port)):
        parser.error(problem)
    launch(demo, arguments.host, arguments.port, arguments.share, auth)


if __name__ == "__main__":
    main()
