"""Anyone's files: every reader gives a valid result or one clear line (see tests/hostile.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from smart import images, styles, weights
from smart.gan.generator import load_generator
from tests import hostile_pictures, hostile_weights
from tests.conftest import ROOT
from tests.hostile import Reader, hold, refuse_bad_words

READERS = [*hostile_pictures.READERS, *hostile_weights.READERS]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_any_bytes_give_a_result_or_one_line(reader: Reader) -> None:
    def tried(value: Any) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            return hold(reader, value, Path(folder))

    if reader.valid is not None:
        reader.read(reader.valid, Path(tempfile.mkdtemp()))  # what is loaded late counts for nobody
        assert tried(reader.valid), "what is good is refused"

    warnings.simplefilter("ignore")  # of the zips that are made here

    @settings(
        max_examples=75, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(reader.inputs)
    def any_bytes(value: Any) -> None:
        tried(value)

    any_bytes()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
@pytest.mark.timeout(20)
def test_a_pipe_among_the_painters_holds_nobody_up(tmp_path: Path) -> None:
    for place in (tmp_path / "pipe.png", tmp_path / "someone" / "pipe.png"):
        place.parent.mkdir(exist_ok=True)
        os.mkfifo(place)
    found = styles.scan(tmp_path)
    assert {bad.slug for bad in found.bad} == {"pipe-png", "someone"}
    assert all("no file but a pipe" in bad.reason for bad in found.bad)
    with pytest.raises(images.ImageError, match="no file but a pipe"):
        images.read_provenance(tmp_path / "pipe.png")


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such names")
def test_a_file_name_that_is_no_text_can_be_told(tmp_path: Path) -> None:
    target = os.path.join(os.fsencode(tmp_path), b"red\xff\n\x1b[31mnoise.png")
    Path(os.fsdecode(target)).write_bytes(hostile_pictures.pictures()[0])
    (style,) = styles.scan(tmp_path).styles
    refuse_bad_words(style.name)
    refuse_bad_words(style.works[0].title)


def test_a_link_that_leads_out_tells_nothing_of_what_is_there(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the password is tulip")
    home = tmp_path / "styles" / "someone"
    home.mkdir(parents=True)
    (home / "a.png").symlink_to(secret)
    (home / styles.MANIFEST).symlink_to(secret)
    (bad,) = styles.scan(tmp_path / "styles").bad
    assert "tulip" not in bad.reason


@pytest.mark.parametrize("broken", ["nan", "integers"])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, broken: str) -> None:
    from safetensors.torch import load, save_file

    tensors = load(hostile_weights.model("dcgan"))
    name = "first.bias"
    tensors[name] = tensors[name] * float("nan") if broken == "nan" else tensors[name].int()
    save_file(tensors, tmp_path / weights.MODEL)
    arguments = hostile_weights.ARGUMENTS["dcgan"]
    config = {"architecture": "dcgan", "arguments": arguments}
    (tmp_path / weights.CONFIG).write_text(json.dumps(config))
    with pytest.raises(weights.WeightsError, match="damaged|another shape"):
        load_generator(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="nobody counts memory")
@pytest.mark.parametrize(
    ("side", "depth", "color"), [(7800, 8, 2), (7800, 8, 6), (7800, 16, 0), (7800, 8, 3)]
)
def test_the_largest_picture_that_is_allowed_takes_bounded_memory(
    side: int, depth: int, color: int, tmp_path: Path
) -> None:
    """A few hundred kB that unpack to 61 megapixels; one more, and it is not unpacked at all."""
    width = side * depth * {0: 1, 2: 3, 3: 1, 6: 4}[color] // 8 + 1
    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(b"\0" * width * 100) for _ in range(side // 100))
    palette = (b"PLTE", b"\0\0\0"), (b"tRNS", b"\0")
    path = tmp_path / "a.png"
    path.write_bytes(
        hostile_pictures.png(
            hostile_pictures.header(side, side, depth, color), *palette[: 2 * (color == 3)],
            (b"IDAT", rows + packer.flush()), (b"IEND", b""),
        )
    )  # fmt: skip
    code = (
        "import sys; from smart import images; images.open_image(sys.argv[1]);"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert int(done.stdout) * 1024 < 600e6, f"{int(done.stdout) // 1024} MiB"
