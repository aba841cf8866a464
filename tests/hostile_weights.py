"""Readers of weights, zips, selections, trainings and foreign files, with what is given them."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from smart import images, weights
from smart.conversion import dcgan as dcgan_conversion
from smart.conversion import openvino_ir, stylegan2
from smart.conversion.checkpoint import read_bytes
from smart.conversion.stored_tensor import StoredTensor
from smart.gan import curves, dataset, diagnosis, directions, run, selection, snapshot, sources
from smart.gan.critic import Critic
from smart.gan.dcgan import DCGAN
from smart.gan.generator import load_generator
from smart.gan.latents import seed_latents
from smart.gan.mobile_stylegan import MobileStyleGAN
from smart.gan.style_generator import Architecture, StyleGenerator
from smart.gan.stylegan2 import StyleGAN2
from smart.options import TrainingOptions
from smart.painting.vgg import load_vgg
from tests.hostile import (
    CANARY,
    LawError,
    Reader,
    json_texts,
    mutated,
    refuse_bad_words,
    twisted,
)
from tests.hostile_pictures import pictures

TINY = Architecture(base=4, widths=(8, 8), convolutions=1, critic_convolutions=1, z_dim=8, w_dim=8,
                    mapping_layers=1)  # fmt: skip
ARGUMENTS: dict[str, dict[str, Any]] = {
    "style_generator": TINY.to_dict(),
    "dcgan": {"z_dim": 5, "widths": [8, 6]},
    "stylegan2": {"z_dim": 6, "w_dim": 8, "mapping_layers": 2, "mapping_width": 8,
                  "channels": [8, 6], "clamp": None},
    "mobile_stylegan": {"z_dim": 6, "w_dim": 8, "mapping_layers": 1, "widths": [8, 8, 8]},
}  # fmt: skip


def safetensors(tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    from safetensors.torch import save

    return save(
        {name: one.detach().clone().contiguous() for name, one in tensors.items()}, metadata
    )


@lru_cache(maxsize=8)
def model(kind: str) -> bytes:
    """Small random weights of an architecture."""
    torch.manual_seed(0)
    given = ARGUMENTS[kind]
    if kind == "style_generator":
        return safetensors(StyleGenerator(TINY).state_dict())
    made = {"dcgan": DCGAN, "stylegan2": StyleGAN2, "mobile_stylegan": MobileStyleGAN}[kind]
    tensors = made(**given).state_dict()  # type: ignore[operator]
    return safetensors({k: 0.1 * torch.randn(t.shape) for k, t in tensors.items()})


@lru_cache(maxsize=1)
def critic() -> bytes:
    return safetensors(Critic(TINY).state_dict())


KINDS = [
    ("F64", 8), ("I64", 8), ("F32", 4), ("I32", 4), ("BF16", 2), ("F16", 2), ("U8", 1), ("BOOL", 1),
    ("F8_E4M3", 1), ("F8_E8M0", 1), ("C64", 8), ("I16", 2), ("U64", 8),
]  # fmt: skip


@st.composite
def safetensors_files(draw: st.DrawFn, good: bytes) -> bytes:
    """Near a good file: another header that fits its length, other numbers, damaged bytes."""
    if draw(st.booleans()):
        return draw(mutated([good]))
    length = struct.unpack("<Q", good[:8])[0]
    known, data = json.loads(good[8 : 8 + length]), good[8 + length :]
    names = [name for name in known if name != "__metadata__"]
    for _ in range(draw(st.integers(0, 2))):
        entry = known[draw(st.sampled_from(names))]
        size = entry["data_offsets"][1] - entry["data_offsets"][0]
        kind, width = draw(st.sampled_from(KINDS))
        if draw(st.booleans()):
            entry["dtype"] = "I32"  # of the same size and shape
            continue
        entry["dtype"] = kind
        entry["shape"] = draw(
            st.sampled_from(
                [[size // width], [size // width, 1], [], [0], [1, size // width, 1, 1]]
            )
        )
        if draw(st.booleans()):
            entry["shape"], entry["dtype"] = [2 * size], "F4"
    if draw(st.booleans()):
        known = draw(twisted(known, 2))
    if draw(st.integers(0, 3)) == 0 and len(data) >= 4:
        at = draw(st.integers(0, len(data) // 4 - 1)) * 4
        nasty = draw(st.sampled_from([float("nan"), float("inf")]))
        data = data[:at] + struct.pack("<f", nasty) + data[at + 4 :]
    text = json.dumps(known).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def _use(name: str | Path) -> None:
    """Load a generator and let it draw, as the page would."""
    generator = load_generator(name)
    if any(size > 2048 for size in generator.sizes):
        return
    w = generator.map(seed_latents([1], generator.z_dim))
    picture = generator.synthesize(w)
    images.to_pil(picture)
    directions.read(Path(name), generator)


def _weights(kind: str, what: str) -> Callable[[bytes, Path], object]:
    """One file of a folder of weights is the input, the others are good."""

    def read(data: bytes, folder: Path) -> None:
        home = folder / "weights" / "mine"
        home.mkdir(parents=True)
        config = {"architecture": kind, "arguments": ARGUMENTS[kind]}
        (home / weights.CONFIG).write_text(json.dumps(config))
        (home / weights.MODEL).write_bytes(model(kind))
        if kind == "style_generator":
            (home / snapshot.CRITIC).write_bytes(critic())
        (home / what).write_bytes(data)
        if what == snapshot.CRITIC:
            snapshot.load_pair(home)
        else:
            weights.read_config(home)
            weights.checksum(home)
            _use(home)

    return read


@lru_cache(maxsize=1)
def sliders() -> bytes:
    known = {"turn": {"label": "Turn", "less": "left", "more": "right", "start": 0, "stop": 2,
                      "reach": 1.5}}  # fmt: skip
    tensors = {"turn.vector": torch.ones(8), "turn.reading": torch.ones(8)}
    return safetensors(tensors, {"directions": json.dumps(known)})


def _slider_metadata(known: Any) -> bytes:
    tensors = {"turn.vector": torch.ones(8), "turn.reading": torch.ones(())}
    return safetensors(tensors, {"directions": json.dumps(known)})


SLIDER = {"turn": {"label": "Turn", "less": "left", "more": "right", "start": 0, "stop": 2,
                   "reach": 1.5}}  # fmt: skip


def _vgg(data: bytes, folder: Path) -> None:
    home = folder / "vgg"
    home.mkdir()
    (home / weights.CONFIG).write_bytes(data)
    (home / weights.MODEL).write_bytes(safetensors({"a": torch.ones(2)}))
    weights.read_config(home)
    try:
        load_vgg(home)  # type: ignore[arg-type]
    except ValueError as error:
        if "tensor" in str(error) or "weights" in str(error).lower():
            return  # none are given here
        raise


VGG = {"architecture": "vgg", "name": "VGG-16", "blocks": [2, 2, 3, 3, 3]}


# --- zips ---------------------------------------------------------------------------------------


def packed(
    names: tuple[str, ...] = ("a.png", "b/c.jpg"), method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for index, name in enumerate(names):
            archive.writestr(name, pictures()[index * 4])
    return file.getvalue()


def _zip(data: bytes, folder: Path) -> None:
    path = folder / "images.zip"
    path.write_bytes(data)
    before = sorted(folder.iterdir())
    try:
        for entry in sources.entries(path)[:20]:
            try:
                entry.open()
            except images.ImageError as error:
                refuse_bad_words(str(error), "an entry")
    finally:
        if sorted(folder.iterdir()) != before:
            raise LawError("unpacks something")


names = st.sampled_from([
    "../a.png", "/a.png", "C:\\a.png", "a\nb\x1b.png", "x" * 300 + ".png", "a\0.png", "..\\a.png",
    "é.png", "a.png/", "\u202e.png", "con.png", " .png", "a.png", "b/../c.png",
]) | st.text(max_size=8).map(lambda text: text + ".png")  # fmt: skip


@st.composite
def zips(draw: st.DrawFn) -> bytes:
    methods = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    method = draw(st.sampled_from(methods))
    try:
        data = packed((draw(names), draw(names)), method)
    except (ValueError, IndexError):  # a name that no zip can hold
        data = packed(method=method)
    return draw(mutated([data], 3)) if draw(st.booleans()) else data


def _selection(data: bytes, folder: Path) -> None:
    (folder / "a.json").write_bytes(data)
    selection.read_selection(folder / "a.json")


# --- trainings ----------------------------------------------------------------------------------

ROW = {"seen": 4096, "time": 1.0, "critic_loss": 1.0, "generator_loss": 1.0, "learnt": 0.1,
       "held_out": 0.1, "made": 0.0, "overfit": 0.1, "swd": 0.2, "diversity": 0.9, "kernel": 0.1,
       "augmentation": 0.0}  # fmt: skip
RUN: dict[str, Any] = {
    "options.json": {"training": TrainingOptions().to_dict(), "images": {"source": "x"}},
    "status.json": {"state": "training", "message": "", "seen": 9, "images": 10, "speed": 1.0,
                    "seconds_left": 9, "updated": 1e9, "pid": 1},
    "control.json": {"wanted": "stop"},
    "stats.jsonl": [ROW] * 5,
}  # fmt: skip


def _run(name: str) -> Callable[[bytes, Path], object]:
    def read(data: bytes, folder: Path) -> None:
        home = folder / "runs" / "mine"
        home.mkdir(parents=True)
        for other, value in RUN.items():
            rows = value if isinstance(value, list) else [value]
            (home / other).write_text("".join(json.dumps(row) + "\n" for row in rows))
        (home / run.STATE).write_bytes(state())
        (home / name).write_bytes(data)
        one = run.Run(home)
        look(one)
        one.forget_stats_after(10**6)
        one.load_state()
        one.options()

    return read


def look(one: run.Run) -> None:
    """What is read to show a training: a damaged file must not take the page away."""
    from smart.ui import watching

    try:
        rows = one.stats()
        watching._words(one)
        watching._buttons(watching._doings(one))
        watching._pictures(one)
        diagnosis.diagnose(rows, 1000)
        curves.svg(rows)
    except ValueError as error:
        raise LawError(f"a page is refused: {str(error)[:80]}") from error


@lru_cache(maxsize=1)
def state() -> bytes:
    plain = {"seen": 9, "probability": 0.0, "steps": 1}
    return safetensors({"a.b": torch.ones(3)}, {"plain": json.dumps(plain)})


def _row_files(rows: Any) -> bytes:
    rows = rows if isinstance(rows, list) else [rows]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _cache(data: bytes, folder: Path) -> None:
    """A damaged cache of images is made again."""
    source, cache = folder / "images", folder / "cache"
    source.mkdir()
    (source / "a.png").write_bytes(pictures()[0])
    dataset.load(source, 32, cache=cache, fewest=1)
    (about,) = cache.glob("*.json")
    about.write_bytes(data)
    if len(dataset.load(source, 32, cache=cache, fewest=1).pixels) != 1:
        raise LawError("trusts a damaged cache")


# --- foreign files ------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def checkpoints() -> tuple[bytes, ...]:
    value = {"layers.0.weight": torch.ones(5, 8, 4, 4), "n": 3, "t": (1, [2.5, "a", None])}
    new, old = io.BytesIO(), io.BytesIO()
    torch.save(value, new)
    torch.save(value, old, _use_new_zipfile_serialization=False)
    return new.getvalue(), old.getvalue(), pickle.dumps(value), pickle.dumps({"a": [1, {2}]}, 0)


def _checkpoint(data: bytes, folder: Path) -> None:
    found = read_bytes(data)
    for value in found.values() if isinstance(found, dict) else []:
        if isinstance(value, StoredTensor):
            value.tensor()


def _converted(convert: Callable[..., None], data: bytes, folder: Path) -> None:
    (folder / "a.pt").write_bytes(data)
    out = folder / "out"
    try:
        convert(folder / "a.pt", out, "none", "here", "float32")
    except ValueError:
        if (out / weights.CONFIG).exists():
            raise LawError("leaves weights that it refused") from None
        raise
    load_generator(out)


@lru_cache(maxsize=1)
def foreign() -> tuple[bytes, ...]:
    torch.manual_seed(0)
    # fmt: off
    layers = {"main.0.weight": torch.randn(5, 8, 4, 4), "main.1.weight": torch.ones(8),
              "main.1.bias": torch.ones(8), "main.1.running_mean": torch.zeros(8),
              "main.1.running_var": torch.ones(8), "main.2.weight": torch.randn(8, 3, 4, 4)}
    # fmt: on
    file = io.BytesIO()
    torch.save(layers, file, _use_new_zipfile_serialization=False)
    return (file.getvalue(), *checkpoints()[:2])


IR = b"""<?xml version="1.0"?><net><layers>
<layer id="0" name="x" type="Parameter"/><layer id="1" name="half" type="Const">
<data element_type="f32" shape="2, 1" offset="4" size="8"/></layer>
<layer id="2" name="product" type="Multiply"/><layer id="3" name="r" type="Reshape"/></layers>
<edges>
<edge from-layer="1" from-port="0" to-layer="2" to-port="1"/>
<edge from-layer="0" from-port="0" to-layer="2" to-port="0"/>
<edge from-layer="2" from-port="0" to-layer="3" to-port="0"/></edges></net>"""
LAUGHS = b"<!DOCTYPE a [" + b'<!ENTITY a0 "haha">' + b"".join(
    b'<!ENTITY a%d "%s">' % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 12)
) + b"]><net>&a11;</net>"  # fmt: skip
XML = [
    LAUGHS, b"<net>" * 50_000, b'<?xml version="1.0" encoding="utf-7"?><net/>',
    b'<!DOCTYPE a [<!ENTITY x SYSTEM "file://%s">]><net>&x;</net>' % CANARY.encode(),
    IR.decode().encode("utf-16"),
    IR.replace(b"2, 1", b"-1, -2"), IR.replace(b"2, 1", b"1," * 70 + b"2"),
    IR.replace(b'to-port="1"', b'to-port="x"'), IR.replace(b'from-layer="0"', b'from-layer="9"'),
    IR.replace(b'from-layer="0"', b'from-layer="3"'), IR.replace(b'shape="2, 1"', b'shape="x"'),
    IR.replace(b'offset="4"', b'offset="' + b"9" * 5000 + b'"'), IR.replace(b"half", b"h" * 5000),
]  # fmt: skip


def _ir(data: bytes, folder: Path) -> None:
    graph = openvino_ir.read_ir(data, b"\0" * 12)
    for ask in (
        lambda: graph.constant("half"), lambda: graph.operand("2"), lambda: graph.operand("3"),
        lambda: graph.following("0", "Multiply"), lambda: graph.following("0", "None"),
    ):  # fmt: skip
        try:
            ask()
        except weights.WeightsError as error:
            refuse_bad_words(str(error), "the graph")


def _readers() -> list[Reader]:
    found = []
    for kind, given in ARGUMENTS.items():
        config = {"architecture": kind, "arguments": given, "licence": "x", "source": "y"}
        good = model(kind)
        found.append(
            Reader(
                f"config.json of {kind}",
                json_texts(config),
                _weights(kind, weights.CONFIG),
                json.dumps(config).encode(),
            )
        )
        found.append(
            Reader(f"{kind}", safetensors_files(good), _weights(kind, weights.MODEL), good)
        )
    heads = safetensors({"8.pointwise": torch.ones(4, 8)})
    found += [
        Reader("heads", safetensors_files(heads), _weights("mobile_stylegan", weights.HEADS), None),
        Reader("critic", safetensors_files(critic()),
               _weights("style_generator", snapshot.CRITIC), critic()),
        Reader("directions", safetensors_files(sliders())
               | twisted(SLIDER).map(_slider_metadata)
               | json_texts(SLIDER).map(lambda t: safetensors(
                   {"turn.vector": torch.ones(8), "turn.reading": torch.ones(8)},
                   {"directions": t.decode("utf-8", "replace")})),
               _weights("style_generator", directions.FILE), sliders()),
        Reader("config.json of vgg", json_texts(VGG), _vgg, json.dumps(VGG).encode()),
        Reader("zip of images", zips() | mutated([packed()]), _zip, packed()),
        Reader("selection", json_texts({"kind": "smart selection 1", "keep": ["a"], "about": {}}),
               _selection, b'{"kind": "smart selection 1", "keep": ["a"]}'),
        *(Reader(f"training's {name}", json_texts(value) if name != "stats.jsonl" else
                 twisted(value).map(_row_files) | json_texts(ROW) | mutated([_row_files(value)]),
                 _run(name), _row_files(value)) for name, value in RUN.items()),
        Reader("training's state", safetensors_files(state())
               | json_texts({"seen": 9}).map(lambda t: safetensors(
                   {"a": torch.ones(2)}, {"plain": t.decode("utf-8", "replace")})),
               _run(run.STATE), state()),
        Reader("cache of images", json_texts({"names": ["a.png"], "left_out": [], "bytes": 3200,
                                              "duplicates": []}) , _cache, b"{}"),
        Reader("checkpoint", mutated(checkpoints(), 6), _checkpoint, checkpoints()[0]),
        Reader("DCGAN of others", mutated(foreign(), 3),
               partial(_converted, dcgan_conversion.convert_dcgan), foreign()[0]),
        Reader("StyleGAN2 of others", mutated(foreign(), 3),
               partial(_converted, stylegan2.convert_stylegan2), None),
        Reader("OpenVINO IR", mutated([IR], 6) | st.sampled_from(XML), _ir, IR),
    ]  # fmt: skip
    return found


READERS = _readers()
