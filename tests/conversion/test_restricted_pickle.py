"""The reader of foreign checkpoints: what is honest is read, what is hostile runs nothing."""

from __future__ import annotations

import argparse
import collections
import contextlib
import io
import os
import pickle
import struct
import sys
import time
import types
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from smart.conversion.checkpoint import read_bytes, read_checkpoint
from smart.conversion.restricted_pickle import Inert
from smart.conversion.stored_tensor import StoredTensor
from smart.weights import WeightsError

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8]


class Call:
    """Pickled as a call of function with arguments, which is what an attacker would write."""

    def __init__(self, function: Callable[..., Any], *arguments: Any, state: Any = None) -> None:
        self.reduced = (function, arguments, state)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced if self.reduced[2] is not None else self.reduced[:2]


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """A file that every hostile pickle tries to make; it must not exist afterwards."""
    path = tmp_path / "executed"
    yield path
    assert not path.exists()


def legacy(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def zipped(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def plain(value: Any) -> bytes:
    return pickle.dumps(value)


def refused(data: bytes) -> str:
    with pytest.raises(WeightsError) as caught:
        read_bytes(data)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


@pytest.mark.parametrize("save", [legacy, zipped, plain])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tensors_come_back(save: Callable[[Any], bytes], dtype: torch.dtype) -> None:
    base = torch.arange(24).reshape(4, 6).to(dtype)
    tensors = {"whole": base, "window": base[1:3, ::2], "turned": base.T, "one": base[2, 3]}
    found = read_bytes(save(tensors))
    assert found.keys() == tensors.keys()
    for key, tensor in tensors.items():
        assert isinstance(found[key], StoredTensor)
        assert torch.equal(found[key].tensor(), tensor)
        assert found[key].tensor().dtype == dtype


@pytest.mark.parametrize("save", [legacy, zipped, plain])
def test_what_stands_beside_the_weights_comes_back(save: Callable[[Any], bytes]) -> None:
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.Adam(network.parameters())
    content = {
        "state": network.state_dict(),  # an OrderedDict with notes of its own
        "weight": torch.nn.Parameter(torch.ones(2)),
        "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(size=256, path="data"),
        "numbers": [1, -2, 3.5, True, None, "text", b"bytes", (1,), (1, 2), (1, 2, 3, 4), 2**70],
        "more": {"set": {1, 2}, "scalar": np.float64(0.5), "empty": [[], {}, ()]},
        "list": list(range(2000)),
    }
    found = read_bytes(save(content))
    assert torch.equal(found["state"]["0.weight"].tensor(), network[0].weight)
    assert torch.equal(found["weight"].tensor(), torch.ones(2))
    assert found["optimizer"]["param_groups"][0]["betas"] == (0.9, 0.999)
    assert found["numbers"] == content["numbers"]
    assert found["more"]["empty"] == [[], {}, ()]
    assert found["list"] == content["list"]
    assert isinstance(found["args"], Inert)
    assert found["args"].state == {"size": 256, "path": "data"}


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_of_plain_data(protocol: int) -> None:
    content = {"a": [1, 2.5, None, True, "ü"], "b": (1, 2), "c": {"d": [{}]}, 5: [-1, 2**40]}
    assert read_bytes(pickle.dumps(content, protocol)) == content


@pytest.mark.parametrize("protocol", range(2, 6))
def test_every_protocol_of_tensors(protocol: int) -> None:
    """Before 3 there are no bytes; they are text, and longer."""
    tensor = torch.arange(5000.0)
    assert torch.equal(read_bytes(pickle.dumps([tensor], protocol))[0].tensor(), tensor)


def hostile_calls(path: Path) -> dict[str, Any]:
    text = f"open({str(path)!r}, 'w').close()"
    touch = f"touch {path}"
    return {
        "os.system": Call(os.system, touch),
        "eval": Call(eval, text),
        "exec": Call(exec, text),
        "getattr": Call(getattr, Call(__import__, "os"), "system"),
        "open": Call(open, str(path), "w"),
        "torch.load": Call(torch.load, str(path)),
        "numpy.load": Call(np.load, str(path)),
        "a class": Call(types.SimpleNamespace),
        "torch.nn": torch.nn.Linear(1, 1),
        "a path": path,
    }


@pytest.mark.parametrize("kind", hostile_calls(Path()))
@pytest.mark.parametrize("save", [legacy, zipped, plain])
def test_calls_are_refused_by_name(kind: str, save: Callable[[Any], bytes], marker: Path) -> None:
    message = refused(save({"g_ema": hostile_calls(marker)[kind]}))
    assert "It names '" in message
    assert "nothing of it was run" in message


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_the_classic(protocol: int, marker: Path) -> None:
    message = refused(pickle.dumps(Call(os.system, f"touch {marker}"), protocol))
    assert "system" in message


def test_inside_of_an_inner_file(marker: Path) -> None:
    """NVIDIA's pickles keep each tensor's numbers as a file of their own."""
    for inner in (legacy, zipped, plain):
        blob = inner(Call(os.system, f"touch {marker}"))
        outer = pickle.dumps({"G_ema": Call(torch.storage._load_from_bytes, blob)})
        assert "system" in refused(outer)


def test_files_in_files_in_files(marker: Path) -> None:
    blob = plain(Call(torch.storage._load_from_bytes, legacy(torch.zeros(1))))
    message = refused(pickle.dumps(Call(torch.storage._load_from_bytes, blob)))
    assert "nested" in message


def test_source_code_of_a_network_stays_text(marker: Path) -> None:
    module = types.ModuleType("torch_utils.persistence")

    def _reconstruct_persistent_obj(meta: Any) -> Any:
        exec(meta["module_src"])

    _reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj  # type: ignore[attr-defined]
    sys.modules["torch_utils"] = types.ModuleType("torch_utils")
    sys.modules["torch_utils.persistence"] = module
    try:
        source = f"open({str(marker)!r}, 'w').close()"
        data = pickle.dumps(Call(_reconstruct_persistent_obj, {"module_src": source}))
    finally:
        del sys.modules["torch_utils"], sys.modules["torch_utils.persistence"]
    found = read_bytes(data)
    assert isinstance(found, Inert)
    assert found.arguments == ({"module_src": source},)


def test_numpy_object_arrays_stay_inert(marker: Path) -> None:
    array = np.array([Call(os.system, f"touch {marker}")], dtype=object)
    assert "system" in refused(pickle.dumps(array))
    found = read_bytes(pickle.dumps(np.array(["text", None], dtype=object)))
    assert isinstance(found, Inert)


def test_state_given_to_stand_ins_changes_nothing(marker: Path) -> None:
    """BUILD would set attributes, REDUCE would call: of an Inert neither does anything."""
    namespace = b"cargparse\nNamespace\n"
    state = pickle.dumps({"__class__": 1, "tensor": 2, "__setstate__": 3}, 2)[2:-1]
    found = read_bytes(b"\x80\x02" + namespace + b")\x81" + state + b"b.")
    assert isinstance(found, Inert)
    assert found.state["tensor"] == 2
    # The result of a call is called again; a name itself gets a state; a name is returned.
    assert "calls what is no function" in refused(b"\x80\x02" + namespace + b")\x81)R.")
    refused(b"\x80\x02" + namespace + state + b"b.")
    refused(b"\x80\x02" + b"ccollections\nOrderedDict\n" + state + b"b.")
    refused(b"\x80\x02" + b"ccollections\nOrderedDict\n(K\x01tR.")
    refused(b"\x80\x02" + b"ctorch\nFloatStorage\n)R.")


@pytest.mark.parametrize(
    "name", ["os system", "builtins eval", "collections OrderedDict.__init__.__globals__",
             "torch._utils _rebuild_tensor_v2.__globals__", "torch_utils.persistence exec",
             "smart.weights find", "copyreg _reconstructor", "functools partial"],
)  # fmt: skip
def test_chains_of_attributes_are_refused(name: str) -> None:
    module, attribute = name.split(" ")
    text = f"\x8c{chr(len(module))}{module}\x8c{chr(len(attribute))}{attribute}\x93."
    assert attribute in refused(b"\x80\x04" + text.encode("latin-1"))
    assert attribute in refused(f"c{module}\n{attribute}\n.".encode())


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02ios\nsystem\n.",  # INST outside of a mark
        b"(S'touch x'\nios\nsystem\n.",
        b"\x80\x02\x82\x01.",  # the registry of extensions
        b"(cos\nsystem\nS'x'\no.",
        b"Pname\n.",
        b"\x80\x05\x97.",
    ],
    ids=["inst", "inst with arguments", "ext", "obj", "persid", "buffer"],
)
def test_instructions_of_no_use_are_refused(data: bytes) -> None:
    refused(data)


@pytest.mark.parametrize("save", [legacy, zipped, plain])
def test_every_truncation_is_one_clear_error(save: Callable[[Any], bytes]) -> None:
    data = save({"a": torch.arange(6.0), "b": [1, "text"]})
    for end in range(0, len(data) - 1, 7):
        with pytest.raises(WeightsError, match=r"\A.*\Z"):
            read_bytes(data[:end])["a"].tensor()


def test_flipped_bytes_are_one_clear_error_or_data(marker: Path) -> None:
    generator = np.random.RandomState(0)
    for save in (legacy, zipped, plain):
        data = save({"a": torch.arange(6.0), "b": torch.nn.Parameter(torch.ones(2, 2))})
        for _ in range(300):
            changed = bytearray(data)
            for place in generator.randint(0, len(data), 3):
                changed[place] = generator.randint(256)
            with contextlib.suppress(WeightsError):  # and no other error
                found = read_bytes(bytes(changed))
                for value in found.values() if isinstance(found, dict) else ():
                    if isinstance(value, StoredTensor):
                        value.tensor()


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.",  # bytes
        b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x.",  # text
        b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"x.",  # a number
        b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b".",  # a frame
        b"\x80\x02r" + struct.pack("<I", 2**32 - 1) + b".",  # a place in the memo
    ],
)
def test_huge_declared_sizes_take_no_memory(data: bytes) -> None:
    refused(data)


def test_a_distant_place_in_the_memo_takes_no_memory() -> None:
    data = b"\x80\x02K\x07r" + struct.pack("<I", 2**32 - 2) + b"0j" + struct.pack("<I", 2**32 - 2)
    assert read_bytes(data + b".") == 7


def test_tensors_may_not_claim_more_than_is_stored() -> None:
    real = torch.zeros(3)
    for claimed in (
        real.as_strided((2**40,), (0,)),  # expanded
        real.expand(5, 3),
    ):
        found = read_bytes(legacy(claimed))
        with pytest.raises(WeightsError, match="more numbers than"):
            found.tensor()
    for numbers in ((-1, (2,), (1,)), (0, (4,), (1,)), (2, (2,), (1,)), (0, (2,), (-1,)),
                    (0, (2,), (1, 1)), (0, (1,) * 9, (1,) * 9), (0, (True,), (1,))):  # fmt: skip
        storage = read_bytes(legacy(real)).storage
        with pytest.raises(WeightsError):
            StoredTensor(storage, *numbers).tensor()


def test_a_zip_that_unfolds_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("a/data/0", bytes(10**7))
    assert "more than its own size" in refused(file.getvalue())
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", b"hello")
    assert "no data.pkl" in refused(file.getvalue())


def test_shared_and_nested_structures_cost_no_time() -> None:
    start = time.monotonic()
    # A million laughs: 60 lists, each twice in the next.
    laughs = b"\x80\x02]q\x00" + b"".join(
        b"](h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1]) for i in range(60)
    )
    assert len(read_bytes(laughs + b".")) == 2
    # As a name it would have to be written out.
    refused(laughs + b"\x8c\x01x\x93.")
    # As the key of a dict it would have to be hashed.
    tuples = b"\x80\x02)q\x00" + b"".join(
        b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(60)
    )
    assert "key" in refused(tuples + b"0}h\x3cK\x01s.")
    # Deep, and a list that holds itself.
    deep = read_bytes(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".")
    assert len(deep) == 1
    itself = read_bytes(b"\x80\x02]q\x00h\x00a.")
    assert itself[0] is itself
    assert time.monotonic() - start < 10


@pytest.mark.filterwarnings("ignore:TypedStorage")
def test_one_inner_file_is_not_read_again_and_again() -> None:
    blob = legacy(torch.FloatStorage(10_000))
    once = b"B" + struct.pack("<I", len(blob)) + blob + b"q\x000"
    call = b"ctorch.storage\n_load_from_bytes\nh\x00\x85R0"
    assert read_bytes(b"\x80\x03" + once + call + b"N.") is None
    assert "again and again" in refused(b"\x80\x03" + once + call * 50 + b"N.")


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    for content in (b"", b"hello", b"\x89PNG\r\n", b"PK\x03\x04", b"PK\x03\x04" + bytes(99), b"."):
        refused(content)
    file = tmp_path / "missing.pt"
    with pytest.raises(WeightsError, match="cannot be read"):
        read_checkpoint(file)
    file.write_bytes(b"hello")
    with pytest.raises(WeightsError, match="^missing.pt: "):
        read_checkpoint(file)


def test_tensorflow_pickles_name_the_way_out() -> None:
    message = refused(b"\x80\x03cdnnlib.tflib.network\nNetwork\n)\x81.")
    assert "legacy.py" in message


def test_numbers_only_as_whole_dicts() -> None:
    assert read_bytes(pickle.dumps(collections.OrderedDict(a=1))) == {"a": 1}
