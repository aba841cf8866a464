"""A lender of GPUs as the package `spaces` is one, without a GPU: it forks, and pickles both ways.

What differs from a call in place, and what the app must bear, is here: the work, its reports and
its result are pickled, only the thread that calls is in the fork, and the caller's context asks.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator
from typing import Any

from gradio.context import LocalContext

_fork = multiprocessing.get_context("fork")


def GPU(duration: Callable[..., int]) -> Callable[..., Any]:  # noqa: N802 - that is its name
    def decorate(task: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        def lent(*arguments: Any) -> Iterator[Any]:
            with open(os.environ["LENT"], "a", encoding="utf-8") as log:
                known = LocalContext.request.get(None) is not None
                log.write(f"{duration(*arguments)} s, {'a visitor' if known else 'nobody'}\n")
            receiver, sender = _fork.Pipe(duplex=False)
            packed = pickle.dumps(arguments)
            process = _fork.Process(target=_serve, args=(task, packed, sender), daemon=True)
            process.start()
            sender.close()
            try:
                while (data := receiver.recv_bytes()) != b"":
                    yield pickle.loads(data)
            finally:
                process.join(30)

        return lent

    return decorate


def _serve(task: Callable[..., Iterator[Any]], packed: bytes, sender: Any) -> None:
    for one in task(*pickle.loads(packed)):
        sender.send_bytes(pickle.dumps(one))
    sender.send_bytes(b"")
