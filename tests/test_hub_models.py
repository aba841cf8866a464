"""Models to the Hub and back, against a real server on this machine; and what verify finds."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from huggingface_hub import constants
from huggingface_hub.utils import close_session

from smart import folders, hub_models, hub_push, verifying, weights
from smart.folders import WeightsError
from smart.gan.generator import available, load_generator
from smart.gan.latents import seed_latents
from tests.hub_server import Handler, LocalHub, Repository

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "someone/painted"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A Hub that this process asks, with a token that may write, and a cache of its own."""
    running = LocalHub()
    monkeypatch.setattr(constants, "ENDPOINT", running.url)
    address = running.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", running.token)
    close_session()
    yield running
    running.close()


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """weights/mine, a copy of the bundled paintings with other things beside it."""
    monkeypatch.setenv("SMART_WEIGHTS", str(tmp_path / "weights"))
    folder = Path(shutil.copytree(weights.BUNDLED / "paintings", tmp_path / "weights" / "mine"))
    (folder / "state.safetensors").write_bytes(b"not to be shared")
    (folder / ".env").write_text("SECRET=1")
    (folder / "diary").mkdir()
    (folder / "diary" / "README.md").write_text("private")
    return folder


def there(hub: LocalHub, repository: str = REPOSITORY) -> dict[str, bytes]:
    return hub.repositories[repository].commits[-1][1]


def front_of(card: bytes) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(card.decode().split("---")[1])
    return found


def picture(generator: Any) -> torch.Tensor:
    return generator.synthesize(generator.map(seed_latents([3], generator.z_dim)))


def test_there_and_back(hub: LocalHub, mine: Path) -> None:
    hub_push.push(hub_push.pack("mine", REPOSITORY))
    sent = there(hub)
    assert set(sent) - {".gitattributes"} == {
        "config.json", "model.safetensors", "critic.safetensors", "README.md", "sheet.png",
        "curves.svg", "lock.json",
    }  # fmt: skip
    assert sent["model.safetensors"] == (mine / "model.safetensors").read_bytes()
    card = sent["README.md"].decode()
    assert front_of(sent["README.md"]) == {
        "license": "other", "license_name": "non-commercial-use-only", "library_name": "smart",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["smart", "style-generator", "gan"],
    }  # fmt: skip
    assert f'load_generator("{REPOSITORY}")' in card
    shutil.rmtree(mine.parent)
    hub.repositories[REPOSITORY].commit({"evil.pkl": b"cos\nsystem\n", "deep/README.md": b"-"})
    assert torch.equal(
        picture(load_generator(REPOSITORY)), picture(load_generator(weights.BUNDLED / "paintings"))
    )
    asked = {one.path.partition("/resolve/")[2].partition("/")[2] for one in hub.requests}
    assert asked - {""} <= set(folders.SHARED)
    before = len(hub.requests)
    load_generator(REPOSITORY)
    assert len(hub.requests) == before, "what is in the cache is not asked for again"
    assert REPOSITORY in [one.name for one in available()]
    assert weights.local(REPOSITORY) == weights.find(REPOSITORY)
    assert {info.name: info.problem for info in weights.listing()}[REPOSITORY] == ""


def test_without_card_and_sheet_both_are_made(hub: LocalHub, mine: Path) -> None:
    for name in ("README.md", "sheet.png", "curves.svg", "lock.json"):
        (mine / name).unlink()
    config = json.loads((mine / "config.json").read_text())
    (mine / "config.json").write_text(json.dumps({**config, "licence": "CC BY 4.0"}))
    before = sorted(path.name for path in mine.iterdir())
    hub_push.push(hub_push.pack("mine", REPOSITORY), private=True)
    assert sorted(path.name for path in mine.iterdir()) == before, "nothing is written at home"
    sent = there(hub)
    assert front_of(sent["README.md"])["license"] == "cc-by-4.0"
    assert b"(sheet.png)" in sent["README.md"]
    assert b"Licence: CC BY 4.0." in sent["README.md"]
    assert sent["sheet.png"].startswith(b"\x89PNG")
    assert hub.repositories[REPOSITORY].private


def test_pushed_again_only_what_changed_and_what_is_gone_goes(hub: LocalHub, mine: Path) -> None:
    hub.repositories[REPOSITORY] = Repository()
    hub.repositories[REPOSITORY].commit({"notes.txt": b"mine", "heads.safetensors": b"old"})
    hub_push.push(hub_push.pack("mine", REPOSITORY))
    hub.requests.clear()
    (mine / "README.md").write_text("# Another card\n")
    hub_push.push(hub_push.pack("mine", REPOSITORY))
    assert not [one for one in hub.requests if one.method == "PUT"]
    assert there(hub)["notes.txt"] == b"mine", "what others put there stays"
    assert "heads.safetensors" not in there(hub)
    assert b"# Another card" in there(hub)["README.md"]


def test_a_revision(hub: LocalHub, mine: Path) -> None:
    hub_push.push(hub_push.pack("mine", REPOSITORY))
    first = hub.repositories[REPOSITORY].commits[-1][0]
    config = json.loads((mine / "config.json").read_text())
    (mine / "config.json").write_text(json.dumps({**config, "source": "another"}))
    (mine / "lock.json").unlink()
    hub_push.push(hub_push.pack("mine", REPOSITORY))
    hub.repositories[REPOSITORY].branches["v1"] = first
    for revision in (first, "v1"):
        folder = weights.find(f"{REPOSITORY}@{revision}")
        assert weights.read_config(folder)["source"] != "another"
    assert weights.read_config(weights.find(REPOSITORY))["source"] == "another"
    with pytest.raises(WeightsError, match="there is no such revision"):
        weights.find(f"{REPOSITORY}@v2")
    for name in (
        f"{REPOSITORY}@../v1",
        f"{REPOSITORY}@v/../../v1",
        f"{REPOSITORY}@",
        "a/b/c",
        "../a/b",
        "a b/c",
    ):
        with pytest.raises(WeightsError, match="No weights called"):
            weights.find(name)


@pytest.mark.parametrize("licence", [None, "", "  "])
def test_nothing_is_shared_without_a_licence(
    hub: LocalHub, mine: Path, licence: str | None
) -> None:
    config = json.loads((mine / "config.json").read_text())
    (mine / "config.json").write_text(json.dumps({**config, "licence": licence}))
    (mine / "lock.json").unlink()
    with pytest.raises(WeightsError, match="names no licence.*write"):
        hub_push.pack("mine", REPOSITORY)
    assert hub.requests == []


def test_damaged_weights_are_not_pushed(hub: LocalHub, mine: Path) -> None:
    content = bytearray((mine / "model.safetensors").read_bytes())
    content[-5] ^= 1
    (mine / "model.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match="model.safetensors .other content.*nothing was sent"):
        hub_push.pack("mine", REPOSITORY)


def test_pull_mends_the_cache_and_names_what_is_damaged_on_the_hub(
    hub: LocalHub, mine: Path
) -> None:
    hub_push.push(hub_push.pack("mine", REPOSITORY))
    folder = hub_models.fetch(REPOSITORY)
    model = (folder / "model.safetensors").resolve()
    right = model.read_bytes()
    for harm in (right[:-1] + b"x", right[:1000]):
        model.chmod(0o644)
        model.write_bytes(harm)
        assert verifying.problems(folder)
        assert hub_models.fetch(REPOSITORY) == folder
        assert (folder / "model.safetensors").read_bytes() == right
    # Cut short it is seen at once, and mended by whoever loads it.
    (folder / "model.safetensors").resolve().write_bytes(right[:1000])
    load_generator(REPOSITORY)
    hub.repositories[REPOSITORY].commit({"critic.safetensors": right})
    with pytest.raises(WeightsError, match="damaged on the Hub: critic.safetensors .*too long"):
        hub_models.fetch(REPOSITORY)


def test_what_is_no_model_of_smart_is_not_fetched(hub: LocalHub) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.system, ("touch /tmp/smart-was-here",)

    repository = hub.repositories[REPOSITORY] = Repository()
    repository.commit({"pytorch_model.bin": pickle.dumps(Evil()), "README.md": b"-"})
    with pytest.raises(WeightsError, match="no model of SMART .no config.json there"):
        weights.find(REPOSITORY)
    repository.commit({"config.json": b'{"architectures": ["Bert"]}', "model.safetensors": b"x"})
    with pytest.raises(WeightsError, match="no model of SMART .no config.json there"):
        weights.find(REPOSITORY)
    repository.commit({"config.json": b'{"architecture": "dcgan"}', "model.safetensors": None})
    with pytest.raises(WeightsError, match="has no model.safetensors"):
        weights.find(REPOSITORY)
    asked = {one.path.rpartition("/")[2] for one in hub.requests if "resolve" in one.path}
    assert "pytorch_model.bin" not in asked


def answer(code: int) -> Any:
    def misbehave(handler: Handler) -> bool:
        handler.answer(code)
        return True

    return misbehave


@pytest.mark.parametrize(
    ("code", "reason"),
    [(401, "set HF_TOKEN"), (403, "token may not"), (429, "asked too often"), (500, "answers 500")],
)
def test_refusals_are_one_sentence(hub: LocalHub, mine: Path, code: int, reason: str) -> None:
    parcel = hub_push.pack("mine", REPOSITORY)
    hub.misbehave = answer(code)
    for ask in (lambda: hub_push.push(parcel), lambda: hub_models.fetch(REPOSITORY)):
        with pytest.raises(WeightsError, match=f"{REPOSITORY}: .*{reason}") as caught:
            ask()
        assert "\n" not in str(caught.value)


def test_offline_and_unreachable(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    close_session()
    with pytest.raises(WeightsError, match="not on this machine and HF_HUB_OFFLINE is set"):
        load_generator(REPOSITORY)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    hub.close()
    with pytest.raises(WeightsError, match="check the network"):
        load_generator(REPOSITORY)


def smart(hub: LocalHub, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with another cache."""
    environment = {
        **os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": hub.token,
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "smart", *arguments], cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_on_the_command_line(hub: LocalHub, tmp_path: Path) -> None:
    push = ("weights", "push", "paintings", "--to", REPOSITORY)
    shown = smart(hub, tmp_path, *push, "--dry-run", "--json")
    told = json.loads(shown.stdout)
    assert told["files"]["model.safetensors"] == 3_721_596
    assert told["card"].startswith("---\nlicense: other\n")
    assert hub.repositories == {}
    done = smart(hub, tmp_path, *push)
    assert done.returncode == 0, done.stderr
    assert f"Sent to {REPOSITORY}" in done.stdout
    pulled = smart(hub, tmp_path / "other", "weights", "pull", REPOSITORY)
    assert f"--generator {REPOSITORY}" in pulled.stdout, pulled.stderr
    hub.close()
    out = tmp_path / "faces.png"
    made = smart(
        hub, tmp_path / "other", "faces", "--generator", REPOSITORY, "--count", "2", "--out",
        str(out),
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert out.is_file()
    wrong = smart(hub, tmp_path, "weights", "list", "--private")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)


def test_the_bundled_weights_are_what_their_lock_files_say() -> None:
    bundled = [path.parent for path in weights.BUNDLED.glob("*/config.json")]
    assert len(bundled) >= 6
    for folder in bundled:
        lock = folders.read_lock(folder)
        assert lock, f"{folder.name}: write it by `weights verify {folder.name} --lock`"
        present = {path.name for path in folder.iterdir()} & set(folders.LOCKED)
        assert set(lock) == present
        assert verifying.problems(folder) == []


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("model.safetensors", None, "model.safetensors (missing)"),
        ("model.safetensors", b"x", "bytes short"),
        ("lock.json", b"{", "lock.json cannot be read"),
        ("lock.json", b'{"files": {"../../secret": {"size": 1, "sha256": "%s"}}}' % (b"0" * 64,),
         "no file of weights"),
        ("lock.json", b"[" * 100_000, "lock.json cannot be read"),
    ],
)  # fmt: skip
def test_verify_names_what_is_damaged(
    mine: Path, file: str, content: bytes | None, reason: str
) -> None:
    assert verifying.problems(mine) == []
    if content is None:
        (mine / file).unlink()
    else:
        (mine / file).write_bytes(content)
    assert reason in " ".join(verifying.problems(mine))


def test_verify_sees_other_shapes_without_a_lock_file(mine: Path) -> None:
    (mine / "lock.json").unlink()
    config = json.loads((mine / "config.json").read_text())
    config["arguments"]["z_dim"] = 64
    (mine / "config.json").write_text(json.dumps(config))
    assert "of another shape" in " ".join(verifying.problems(mine))
    shutil.copy(mine / "config.json", mine / "model.safetensors")
    assert "damaged" in " ".join(verifying.problems(mine))
