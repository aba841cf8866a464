"""Many users at once: is anyone's portrait lost or swapped, does the page answer, what grows.

python benchmarks/load.py [--users 50] [--minutes 10] [--jobs 500] [--portraits 0.1]

Users are gradio_clients of one process, the app is another one. Each user asks for a sketch (512
px) or a portrait (256 px) of a seed nobody else has, looks whether the PNG is of that seed, style
and size, and asks again after a moment; who is told that the studio is full comes back later. It
ends when the minutes are over and so many jobs are done. Meanwhile someone opens the page twice a
second. At the end a user leaves in the midst of a large portrait, by being killed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from benchmarks.browsing import ROOT, served
from benchmarks.measures import table
from smart import pipeline

STYLES = ("hokusai/great-wave", "renoir/girls-at-the-piano", "durer", "kandinsky")
SIZES = {"sketch": 512, "portrait": 256}
FULL = re.compile(r"The studio is full: \d+ are served before you\. Come back in about \d+ minute")
LEAVES = """
import sys
from gradio_client import Client
client = Client(sys.argv[1], verbose=False)
print("asks", flush=True)
client.predict(seed=1, style="hokusai", size=1024, api_name="/portrait")
"""


@dataclass
class Seen:
    """What happened, written by all users."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=lambda: {k: [] for k in SIZES})
    wrong: list[str] = field(default_factory=list)
    page: list[float] = field(default_factory=list)
    memory: dict[int, float] = field(default_factory=dict)  # MB after so many jobs
    files: float = 0.0  # MB of the page's files, at most
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def done(self) -> int:
        return self.outcomes["sketch"] + self.outcomes["portrait"]


def user(number: int, url: str, seen: Seen, portraits: float) -> None:
    """Ask, look, wait, ask again until it is over."""
    chance = random.Random(number)
    client = Client(url, verbose=False, download_files=tempfile.mkdtemp(prefix="smart-load-"))
    turn = 0
    while not seen.over.is_set():
        kind = "portrait" if chance.random() < portraits else "sketch"
        seed, style = 1_000_000 * (number + 1) + turn, chance.choice(STYLES)
        turn += 1
        began = time.monotonic()
        outcome = ask(client, kind, seed, style, seen)
        took = time.monotonic() - began
        with seen.lock:
            seen.outcomes[outcome] += 1
            if outcome == kind:
                seen.seconds[kind].append(took)
        seen.over.wait(chance.uniform(10, 30) if outcome == "full" else chance.uniform(0.5, 4))


def ask(client: Client, kind: str, seed: int, style: str, seen: Seen) -> str:
    """The kind where the right picture came, else what came instead."""
    engine = "feed-forward" if kind == "sketch" else "optimization"
    try:
        path = client.predict(
            seed=seed, style=style, size=SIZES[kind], engine=engine, api_name="/portrait"
        )
    except AppError as error:
        if FULL.search(str(error)):
            return "full"
        seen.wrong.append(f"{kind} {seed}: {error}")
        return "lost"
    except Exception as error:  # whatever else befalls a user counts
        seen.wrong.append(f"{kind} {seed}: {error!r}")
        return "lost"
    known = pipeline.like(path)
    with Image.open(path) as picture:
        size = max(picture.size)
    os.unlink(path)
    right = known.sampling is not None and known.sampling.seed == seed
    if right and known.choices[0].slug == style and size == SIZES[kind]:
        return kind
    seen.wrong.append(f"{kind} {seed} after {style} got {known.sampling}, {size} px")
    return "swapped"


def look(url: str, process: int, files: Path, marks: list[int], seen: Seen) -> None:
    """Open the page again and again; note memory after so many jobs, and the page's files."""
    while not seen.over.is_set():
        began = time.monotonic()
        urllib.request.urlopen(url, timeout=60).read()
        seen.page.append(time.monotonic() - began)
        for mark in marks:
            if seen.done >= mark and mark not in seen.memory:
                seen.memory[mark] = memory(process)
        if len(seen.page) % 20 == 0:
            sizes = [p.stat().st_size for p in files.rglob("*") if p.is_file()]
            seen.files = max(seen.files, sum(sizes) / 2**20)
        seen.over.wait(0.5)


def memory(process: int) -> float:
    """MB that a process holds."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024  # type: ignore[index]


def health(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}health", timeout=30) as answer:
        return dict(json.load(answer))


def leaving(url: str) -> float:
    """Seconds from the end of a user in the midst of a portrait until the painter is free."""
    while health(url)["working"]:
        time.sleep(0.2)
    leaver = subprocess.Popen([sys.executable, "-c", LEAVES, url], cwd=ROOT)
    while not health(url)["working"]:
        time.sleep(0.05)
    time.sleep(5)
    leaver.kill()
    began = time.monotonic()
    while health(url)["working"]:
        time.sleep(0.05)
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=50, help="%(default)s")
    parser.add_argument("--minutes", type=float, default=10, help="%(default)s")
    parser.add_argument("--jobs", type=int, default=500, help="at least (%(default)s)")
    parser.add_argument("--portraits", type=float, default=0.1, help="share (%(default)s)")
    options = parser.parse_args()
    seen = Seen()
    marks = [options.jobs // 10, options.jobs]
    with (
        tempfile.TemporaryDirectory(prefix="smart-load-") as files,
        served({"GRADIO_TEMP_DIR": files}) as (url, process),
    ):
        began = time.monotonic()
        threads = [
            threading.Thread(target=user, args=(number, url, seen, options.portraits), daemon=True)
            for number in range(options.users)
        ]
        threads.append(threading.Thread(target=look, args=(url, process, Path(files), marks, seen)))
        for thread in threads:
            thread.start()
        while time.monotonic() - began < 60 * options.minutes or seen.done < options.jobs:
            time.sleep(1)
        lasted = (time.monotonic() - began) / 60
        seen.memory.setdefault(options.jobs, memory(process))
        seen.over.set()
        for thread in threads:
            thread.join(300)
        unanswered = sum(thread.is_alive() for thread in threads)
        left = leaving(url)
    report(seen, options, lasted, unanswered, left)


def report(seen: Seen, options: Any, lasted: float, unanswered: int, left: float) -> None:
    page = sorted(seen.page)
    rows = [
        ["users, minutes", f"{options.users}, {lasted:.0f}"],
        ["sketches, portraits", f"{seen.outcomes['sketch']}, {seen.outcomes['portrait']}"],
        ["told that the studio is full", seen.outcomes["full"]],
        ["lost, swapped, unanswered",
         f"{seen.outcomes['lost']}, {seen.outcomes['swapped']}, {unanswered}"],
        *([f"{kind}, waiting included: median, longest, s",
           f"{statistics.median(times):.0f}, {max(times):.0f}"]
          for kind, times in seen.seconds.items() if times),
        ["page: median, p95, s",
         f"{statistics.median(page):.3f}, {page[int(0.95 * (len(page) - 1))]:.3f}"],
        *([f"memory after {mark} jobs, MB", f"{held:.0f}"] for mark, held in seen.memory.items()),
        ["the page's files at most, MB", f"{seen.files:.0f}"],
        ["painter free after a user was killed, s", f"{left:.1f}"],
    ]  # fmt: skip
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print(table(["what", "measured"], rows))
    for line in seen.wrong[:20]:
        print(line)


if __name__ == "__main__":
    main()
