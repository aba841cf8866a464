"""The arrows of the house: who may import whom, held by reading the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "smart").rglob("*.py"))

PLAIN = {"smart.wording", "smart.reading", "smart.to_rgb"}
BASE = {
    "smart", "smart.weights", "smart.images", "smart.progress", "smart.options", "smart.device",
    "smart.serving", "smart.threads", *PLAIN,
}  # fmt: skip
ALLOWED: dict[str, set[str]] = {
    "smart.progress": set(),
    "smart.wording": set(),
    "smart.reading": set(),
    "smart.to_rgb": set(),
    "smart.declaring": set(),
    "smart.options": {"smart.declaring"},
    "smart.serving": {"smart.declaring"},
    "smart.device": {"smart.serving"},
    "smart.images": {"smart.progress", *PLAIN},
    "smart.archive": {"smart.images"},
    "smart.folders": {"smart.images"},
    "smart.hub": {"smart.folders"},
    "smart.hub_tensors": {"smart.folders", "smart.hub", "smart.images", "smart.progress"},
    "smart.hub_models": {"smart.folders", "smart.hub", "smart.progress"},
    "smart.weights": {"smart.folders", "smart.hub_models", "smart.serving", *PLAIN},
    "smart.verifying": BASE | {"smart.folders", "smart.gan", "smart.painting"},
    "smart.hub_push": BASE | {"smart.folders", "smart.hub_models", "smart.gan", "smart.verifying"},
    "smart.vgg19": BASE | {"smart.folders", "smart.hub", "smart.hub_tensors", "smart.painting"},
    "smart.fetching": {"smart.progress"},
    "smart.movie": {"smart.images", "smart.progress"},
    "smart.styles": BASE,
    "smart.new_style": BASE | {"smart.styles"},
    "smart.gan": BASE | {"smart.gan"},
    "smart.painting": BASE | {"smart.painting"},
    "smart.conversion": BASE | {"smart.conversion", "smart.gan", "smart.painting"},
    "smart.networks": BASE | {"smart.gan", "smart.painting", "smart.provenance"},
    "smart.sitters": BASE | {"smart.gan", "smart.networks"},
    "smart.likeness": BASE | {"smart.gan", "smart.networks", "smart.sitters"},
    "smart.pipeline": BASE
    | {
        "smart.sitters",
        "smart.gan",
        "smart.painting",
        "smart.styles",
        "smart.provenance",
        "smart.networks",
        "smart.portrait",
    },
    "smart.portrait": BASE | {"smart.provenance"},
    "smart.story": BASE | {"smart.gan", "smart.painting", "smart.styles", "smart.networks"},
    "smart.exhibition": BASE
    | {"smart.archive", "smart.pipeline", "smart.provenance", "smart.styles"},
    "smart.exhibition_sheet": BASE | {"smart.exhibition"},
    "smart.provenance": BASE | {"smart.styles"},
    "smart.settings": BASE | {"smart.styles", "smart.provenance"},
    "smart.wall": BASE | {"smart.archive", "smart.styles"},
    "smart.terminal": {"smart.progress"},
    "smart.school": BASE | {"smart.gan", "smart.networks"},
    "smart.sorting": BASE | {"smart.gan", "smart.networks"},
    "smart.cli": {
        "smart.commands",
        "smart.commands_train",
        "smart.commands_sort",
        "smart.commands_sitter",
        "smart.commands_exhibition",
        "smart.commands_serve",
        "smart.commands_weights",
        "smart.options",
        "smart.threads",
    },
    "smart.walk": BASE
    | {"smart.gan", "smart.sitters", "smart.pipeline", "smart.movie", "smart.styles"}
    | {"smart.networks"},
    "smart.commands_sitter": BASE
    | {"smart.sitters", "smart.walk", "smart.likeness", "smart.gan", "smart.provenance"}
    | {"smart.styles", "smart.terminal"},
    "smart.commands_exhibition": BASE
    | {"smart.commands_sitter", "smart.exhibition", "smart.exhibition_sheet", "smart.styles"}
    | {"smart.terminal"},
    "smart.space": BASE | {"smart.styles"},
    "smart.commands_serve": BASE | {"smart.space"},
    "smart.commands_sort": BASE | {"smart.sorting", "smart.terminal"},
    "smart.commands_weights": BASE
    | {"smart.folders", "smart.hub_models", "smart.hub_push", "smart.verifying", "smart.vgg19"}
    | {"smart.terminal"},
    "smart.commands_train": BASE
    | {"smart.gan", "smart.school", "smart.likeness", "smart.terminal"},
    "smart.commands": BASE
    | {"smart.pipeline", "smart.sitters", "smart.styles", "smart.painting", "smart.movie"}
    | {"smart.terminal", "smart.commands_sitter"},
    "smart.ui": BASE
    | {"smart.pipeline", "smart.sitters", "smart.networks", "smart.styles", "smart.ui"}
    | {
        "smart.exhibition",
        "smart.exhibition_sheet",
        "smart.fetching",
        "smart.gan",
        "smart.likeness",
        "smart.movie",
        "smart.new_style",
        "smart.provenance",
        "smart.school",
        "smart.settings",
        "smart.sorting",
        "smart.story",
        "smart.vgg19",
        "smart.walk",
        "smart.wall",
    },
    "smart.threads": {"smart.serving"},
    "smart.__main__": {"smart.cli"},
    "smart": set(),
}
HEAVY = {"torch", "torchvision", "gradio", "numpy", "safetensors", "huggingface_hub"}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Every module a file imports, anywhere in it, also `from smart import images`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module)
            for alias in node.names:
                inner = ROOT / Path(*node.module.split(".")) / alias.name
                if inner.with_suffix(".py").is_file() or inner.is_dir():
                    found.add(f"{node.module}.{alias.name}")
    return found


def layer_of(module: str) -> str:
    parts = module.split(".")
    return next(
        name
        for name in (".".join(parts[:end]) for end in range(len(parts), 0, -1))
        if name in ALLOWED
    )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_arrows_run_one_way(path: Path) -> None:
    allowed = ALLOWED[layer_of(name_of(path))]
    for module in imports_of(path):
        if module.split(".")[0] == "smart" and module != "smart":
            assert layer_of(module) in allowed, f"{name_of(path)} must not import {module}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_page_knows_gradio(path: Path) -> None:
    if not name_of(path).startswith("smart.ui"):
        assert not {module.split(".")[0] for module in imports_of(path)} & {"gradio", "spaces"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_below_the_shells_nothing_prints_or_reads_arguments(path: Path) -> None:
    name = name_of(path)
    if name in ("smart.cli", "smart.__main__") or name.startswith(("smart.ui", "smart.conversion")):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert "print" not in called
    assert "sys.argv" not in path.read_text(encoding="utf-8")


LIGHT = ("options", "progress", "styles", "settings", "wall", "cli")


@pytest.mark.parametrize("name", [f"smart.{name}" for name in LIGHT])
def test_light_modules_stay_light(name: str) -> None:
    code = f"import sys, {name}; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not HEAVY & set(loaded)
