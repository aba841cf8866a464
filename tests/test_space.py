"""A Space by one command, against a real server in place of the Hub."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from smart import space
from tests.conftest import ROOT
from tests.hub_server import Handler, LocalHub

NAME = "someone/portraits"
SETTINGS = re.compile(rf"/api/spaces/{NAME}/(variables|secrets|hardware|sleeptime)")


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    running = LocalHub()
    running.misbehave = settings  # what only Spaces have
    yield running
    running.close()


def settings(handler: Handler) -> bool:
    if not SETTINGS.fullmatch(handler.path):
        return False
    body = json.loads(handler.seen.body)
    if handler.path.endswith(("hardware", "sleeptime")):
        handler.answer(200, {
            "stage": "BUILDING", "hardware": {"current": None, "requested": body.get("flavor")},
            "gcTimeout": body.get("sleepTimeSeconds") or body.get("seconds"),
        })  # fmt: skip
    else:
        handler.answer(200, {})
    return True


def deploy(hub: LocalHub, home: Path, *arguments: str, token: str = "hf_right") -> Any:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "SPACE"))}
    environment |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    if token:
        environment["HF_TOKEN"] = token
    return subprocess.run(
        [sys.executable, "-m", "smart", "deploy", "--space", NAME, *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def there(hub: LocalHub) -> dict[str, bytes]:
    return hub.repositories[NAME].commits[-1][1]


def asked(hub: LocalHub, what: str) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in hub.requests if one.path.endswith(f"{NAME}/{what}")]


def test_the_space_holds_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    files = space.plan(NAME).files
    assert {"app.py", "README.md", "requirements.txt", "LICENSE"} <= set(files)
    tops = {path.split("/")[0] for path in files}
    assert tops == {"app.py", "README.md", "requirements.txt", "LICENSE", "smart", "styles",
                    "weights"}  # fmt: skip
    for name in ("weights/faces/model.safetensors", "smart/ui/assets/favicon.svg",
                 "smart/ui/languages/es.json", "styles/hokusai/style.toml"):  # fmt: skip
        assert name in files
    tracked = subprocess.run(
        ["git", "ls-files", "smart", "styles", "weights"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    ).stdout.split()  # fmt: skip
    assert set(tracked) <= set(files), set(tracked) - set(files)
    assert not [path for path in files if "__pycache__" in path or "/." in path]


def test_the_card_has_the_front_matter_of_a_space() -> None:
    for hardware, more in (("cpu-basic", set()), ("zero-a10g", {"startup_duration_timeout"})):
        files = space.plan(NAME, hardware).files
        card = files["README.md"]
        assert isinstance(card, bytes)
        front = yaml.safe_load(card.decode().split("---\n")[1])
        assert (front["sdk"], front["app_file"]) == ("gradio", "app.py")
        assert front["suggested_hardware"] == hardware
        assert more <= set(front)
        assert "## Licences" in card.decode()
        wants = files["requirements.txt"]
        assert isinstance(wants, bytes)
        assert (b"\nspaces\n" in wants) == (hardware == "zero-a10g")


def test_a_new_space(hub: LocalHub, tmp_path: Path) -> None:
    done = deploy(
        hub, tmp_path, "--hardware", "zero-a10g", "--sleep", "3600", "--set", "SMART_LARGEST=768",
        "--secret", "SMART_OWNER=a long word", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    known = json.loads(done.stdout)
    assert known["address"] == f"{hub.url}/spaces/{NAME}"
    sent = there(hub)
    assert set(sent) - {".gitattributes"} == set(known["files"])
    assert {path: len(sent[path]) for path in known["files"]} == known["files"]
    assert sent["app.py"] == (ROOT / "app.py").read_bytes()
    model = "weights/faces/model.safetensors"
    assert sent[model] == (ROOT / model).read_bytes()
    create = next(one for one in hub.requests if one.path == "/api/repos/create")
    assert json.loads(create.body)["sdk"] == "gradio"
    assert asked(hub, "variables")[0]["value"] == "768"
    assert asked(hub, "secrets")[0]["value"] == "a long word"
    assert asked(hub, "hardware")[0]["flavor"] == "zero-a10g"
    # Settings first: the first start has them.
    order = [one.path for one in hub.requests]
    commit = next(place for place, path in enumerate(order) if "/commit/" in path)
    assert order.index(f"/api/spaces/{NAME}/secrets") < commit


def test_bringing_it_up_to_date_deletes_what_is_no_more(hub: LocalHub, tmp_path: Path) -> None:
    assert deploy(hub, tmp_path).returncode == 0
    stored = len(hub.stored)
    hub.repositories[NAME].commit({"old/module.py": b"x", "app.py": b"an older one"})
    shown = deploy(hub, tmp_path, "--dry-run")
    assert "old/module.py" in shown.stdout
    assert "is there; 1 files would be deleted" in shown.stdout
    assert "old/module.py" in there(hub), "a dry run changes nothing"
    assert deploy(hub, tmp_path).returncode == 0
    assert "old/module.py" not in there(hub)
    assert there(hub)["app.py"] == (ROOT / "app.py").read_bytes()
    assert ".gitattributes" in there(hub)
    assert len(hub.stored) == stored


def test_a_dry_run_shows_exactly_what_would_be_sent(hub: LocalHub, tmp_path: Path) -> None:
    shown = deploy(hub, tmp_path, "--dry-run", "--secret", "SMART_OWNER=hidden", token="")
    assert shown.returncode == 0
    assert "hidden" not in shown.stdout + shown.stderr
    assert NAME not in hub.repositories
    listed = re.findall(r"^ *([\d,]+) [ L] (\S+)$", shown.stdout, re.MULTILINE)
    sizes = {path: int(size.replace(",", "")) for size, path in listed}
    plan = space.plan(NAME)
    assert sizes == {path: plan.size_of(path) for path in plan.files}
    assert "is new. Nothing was sent." in shown.stdout
    hub.close()
    shown = deploy(hub, tmp_path, "--dry-run", token="")
    assert "could not be asked for what it holds now. Nothing was sent." in shown.stdout


def test_another_app_is_not_written_over(hub: LocalHub, tmp_path: Path) -> None:
    assert deploy(hub, tmp_path).returncode == 0
    other = dict.fromkeys(there(hub)) | {"main.py": b"x", "README.md": b"y"}
    hub.repositories[NAME].commit(other)
    for more in ([], ["--dry-run"]):
        done = deploy(hub, tmp_path, *more)
        assert done.returncode == 2
        assert f"In {NAME} lies another app (2 files), which would be deleted" in done.stderr
    assert set(there(hub)) == {"main.py", "README.md"}
    assert deploy(hub, tmp_path, "--replace").returncode == 0
    assert "main.py" not in there(hub)


def test_hardware_that_is_there_stays(hub: LocalHub, tmp_path: Path) -> None:
    assert deploy(hub, tmp_path, "--hardware", "t4-small").returncode == 0
    assert deploy(hub, tmp_path).returncode == 0
    assert [one["flavor"] for one in asked(hub, "hardware")] == ["t4-small"]


def test_only_what_belongs_to_weights_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMART_WEIGHTS", str(tmp_path))
    for name in ("faces", "vgg16", "paintings"):
        (tmp_path / name).mkdir()
        for path in (ROOT / "weights" / name).iterdir():
            (tmp_path / name / path.name).symlink_to(path)
        (tmp_path / name / "config.json").unlink()
        (tmp_path / name / "config.json").write_bytes(
            (ROOT / "weights" / name / "config.json").read_bytes()
        )
    (tmp_path / "faces" / "diary.txt").write_text("mine")
    sent = space.plan(NAME).files
    assert "weights/faces/config.json" in sent
    assert not [path for path in sent if path.startswith("weights/") and "config" not in path]
    (tmp_path / "faces" / "config.json").write_text('{"architecture": "mobile-stylegan"}')
    with pytest.raises(space.SpaceError, match="weights faces have no licence"):
        space.plan(NAME)


def answering(code: int, part: str) -> Any:
    def misbehave(handler: Handler) -> bool:
        if part in handler.path:
            handler.answer(code, {"error": "no"})
            return True
        return settings(handler)

    return misbehave


@pytest.mark.parametrize(
    ("code", "part", "message"),
    [
        (401, "/api/repos/create", "log in anew with `hf auth login`"),
        (403, "/commit/", "the token may not write there"),
        (402, "/hardware", "asks for a paid plan; choose other hardware with --hardware"),
    ],
)
def test_a_hub_that_refuses(
    hub: LocalHub, tmp_path: Path, code: int, part: str, message: str
) -> None:
    hub.misbehave = answering(code, part)
    done = deploy(hub, tmp_path, "--hardware", "t4-small")
    assert done.returncode == 2
    said = done.stderr.strip().splitlines()[-1]  # behind the bars of what was sent
    assert said.startswith("smart: ")
    assert message in said
    if NAME in hub.repositories:
        assert set(there(hub)) == {".gitattributes"}, "half of it would be worse than nothing"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hardware", "abacus"], "hardware is 'abacus'; it must be one of cpu-basic"),
        (["--sleep", "5"], "sleep is 5; it must be 300 to"),
        (["--sleep", "soon"], "sleep is 'soon'; write seconds"),
        (["--set", "SMART_LARGST=5"], "did you mean SMART_LARGEST?"),
        (["--secret", "a b"], "--secret 'a b' is no NAME=VALUE"),
        (["--secret", "SMART_OWNER"], "no NAME=VALUE"),
        (["--set", "SMART_OWNER=word"], "Everyone can read SMART_OWNER of a Space given by --set"),
        (["--set", "HF_TOKEN=hf_x"], "use --secret"),
        (["--set", "SMART_WAITING=many"], "SMART_WAITING is 'many'; it must be a whole number"),
    ],
)
def test_what_cannot_be_right_is_said_before_anything_is_asked(
    hub: LocalHub, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = deploy(hub, tmp_path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert hub.requests == []


def test_without_a_token(hub: LocalHub, tmp_path: Path) -> None:
    done = deploy(hub, tmp_path, token="")
    assert done.returncode == 2
    assert "No token of the Hub is here; run `hf auth login`, or set HF_TOKEN." in done.stderr


def test_names(tmp_path: Path) -> None:
    for name in ("portraits", "../x", "a/b/c", "a b/c", "", "x/" + "y" * 200):
        with pytest.raises(space.SpaceError, match="write user/name"):
            space.plan(name)
