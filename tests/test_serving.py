"""What an owner sets up by environment variables."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart import serving, threads
from smart.options import default_of, options_of
from smart.serving import ServingOptions
from tests.conftest import ROOT


def legal(name: str) -> st.SearchStrategy[Any]:
    spec, default = options_of(ServingOptions)[name], default_of(ServingOptions, name)
    if spec.choices:
        return st.sampled_from(spec.choices)
    if isinstance(default, str):
        return st.from_regex(r"[\w/.-]{0,20}", fullmatch=True)
    if isinstance(default, int):
        return st.integers(int(spec.low or 0), int(spec.high or 0))
    return st.floats(spec.low, spec.high)


@given(st.fixed_dictionaries({name: legal(name) for name in options_of(ServingOptions)}))
def test_every_setting_comes_through_its_variable(values: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(serving.variable(name), str(value))
        assert serving.current() == ServingOptions(**values)


def test_nothing_set_and_nothing_in_a_variable_are_the_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in options_of(ServingOptions):
        monkeypatch.setenv(serving.variable(name), " ")
    assert serving.current() == ServingOptions()
    for name in options_of(ServingOptions):
        monkeypatch.delenv(serving.variable(name))
    assert serving.current() == ServingOptions()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SMART_WAITING", "many", "SMART_WAITING is 'many'; it must be a whole number from 1 to"),
        ("SMART_LARGEST", "9999", "SMART_LARGEST is 9999; it must be a whole number from 0 to"),
        ("SMART_TRAINING", "yes", "SMART_TRAINING is 'yes'; it must be one of auto, on, off."),
        ("SMART_GRACE", "nan", "SMART_GRACE is 'nan'; it must be a number from 0 to 600."),
    ],
)
def test_a_wrong_value_ends_the_start_with_one_sentence(
    variable: str, value: str, message: str
) -> None:
    for command in (["app.py"], ["-m", "smart", "styles"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env={**os.environ, variable: value},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_a_slip_of_the_pen_is_pointed_out() -> None:
    said = serving.unknown({"SMART_TRANING": "on", "SMART_OWNER": "x", "SMART_TEST_EVERYTHING": ""})
    assert said == [
        "SMART_TRANING is not known and changes nothing; did you mean SMART_TRAINING?"
    ]  # fmt: skip


def test_the_owner_reads_the_settings_that_there_are() -> None:
    text = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    inside = text.split("--markdown` -->\n")[1].split("<!-- end of settings -->")[0]
    assert inside == serving.table(), "run `python -m smart settings --markdown`"


def test_only_the_settings_read_our_variables() -> None:
    for path in [*(ROOT / "smart").rglob("*.py"), ROOT / "app.py"]:
        for line in path.read_text(encoding="utf-8").splitlines():
            reads = re.search(r"environ(\.get\(|\[.*\](?! =))|getenv", line)
            assert not (reads and "SMART_" in line), f"{path.name}: {line.strip()}"


@pytest.mark.parametrize(
    ("granted", "expected"),
    [("50000 100000", 1), ("150000 100000", 2), ("max 100000", None), ("", None), ("x y", None)],
)
def test_a_container_may_use_fewer_cores_than_it_sees(
    tmp_path: Path, granted: str, expected: int | None
) -> None:
    (tmp_path / "cpu.max").write_text(granted)
    all_here = threads.cores(tmp_path / "elsewhere")
    assert threads.cores(tmp_path) == min(expected or all_here, all_here)


def test_the_memory_of_a_container(tmp_path: Path) -> None:
    assert threads.memory_limit(tmp_path) is None
    (tmp_path / "memory.max").write_text("17179869184\n")
    assert threads.memory_limit(tmp_path) == 2**34
    (tmp_path / "memory.max").write_text("max\n")
    assert threads.memory_limit(tmp_path) is None


def test_the_threads_that_were_asked_for_compute() -> None:
    code = (
        "from smart.threads import prepare; prepare(); import torch; print(torch.get_num_threads())"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**environment, "SMART_THREADS": "1"},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "1"
