"""What docs/api.md promises to programs, run as it stands there; pictures of one's own; MCP."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from smart import images, pipeline
from smart.options import SamplingOptions
from tests.conftest import ROOT, Server

PUBLIC = {"/styles", "/face", "/faces", "/portrait", "/paint"}


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "me.jpg"
    Image.effect_noise((120, 90), 60).convert("RGB").save(path)
    return path


def test_every_example_runs_as_it_stands(server: Server, photograph: Path, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 4
    code = "\n".join(examples).replace("http://127.0.0.1:7860/", server.url)
    (tmp_path / "me.jpg").write_bytes(photograph.read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=200,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "van-gogh Vincent van Gogh" in done.stdout
    assert pipeline.like(tmp_path / "portrait.png").sampling == SamplingOptions(seed=12)
    assert images.read_provenance(tmp_path / "me-painted.png")["photo"]
    assert images.read_provenance(tmp_path / "face-12.png")["faces"]["seed"] == 12


def test_the_named_endpoints_and_no_others_are_public(client: Client) -> None:
    told = client.view_api(return_format="dict", print_info=False)
    assert set(told["named_endpoints"]) == PUBLIC
    assert not told["unnamed_endpoints"]
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in PUBLIC)


def test_a_picture_of_ones_own_after_two_painters(client: Client, photograph: Path) -> None:
    path = client.predict(
        picture=handle_file(str(photograph)), style="hokusai/great-wave:0.6, renoir", size=64,
        engine="feed-forward", api_name="/paint",
    )  # fmt: skip
    assert Image.open(path).size == (64, 48)
    recipe = pipeline.like(path)
    assert [(one.slug, one.weight) for one in recipe.choices] == [
        ("hokusai/great-wave", 0.6), ("renoir", 1.0)
    ]  # fmt: skip
    assert recipe.sampling is None
    assert photograph.name not in json.dumps(images.read_provenance(path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"style": "nobody"}, "no style 'nobody'"),
        ({"style": ""}, "No painter is chosen"),
        ({"style": ",".join(["durer"] * 9)}, "9 painters are too many"),
        ({"size": 10**6}, "size is 1000000"),
        ({"engine": "magic"}, "engine is 'magic'"),
    ],
)
def test_what_paint_refuses(
    client: Client, photograph: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(AppError, match=message):
        client.predict(picture=handle_file(str(photograph)), api_name="/paint", **changes)


def test_what_is_no_picture_is_refused(client: Client, tmp_path: Path) -> None:
    (tmp_path / "no.png").write_bytes(b"no picture at all")
    with pytest.raises(AppError, match="The picture"):
        client.predict(picture=handle_file(str(tmp_path / "no.png")), api_name="/paint")
    with pytest.raises(AppError, match="count is 25; it must be from 1 to 24"):
        client.predict(seed=1, count=25, api_name="/faces")


def test_mcp_says_what_it_needs() -> None:
    code = "import sys; sys.modules['mcp'] = None; sys.argv[0] = 'app.py'\n"
    code += "from smart.ui.flags import read_flags; read_flags(['--mcp'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--mcp needs the package mcp; install it with: pip install 'gradio[mcp]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("mcp") is None, reason="mcp is not installed")
def test_assistants_find_the_endpoints_and_nothing_else(server: Server, tmp_path: Path) -> None:
    running = Server(server.styles, tmp_path / "log.txt", "--mcp")
    try:
        schema = json.load(urllib.request.urlopen(f"{running.url}gradio_api/mcp/schema"))
        names = {tool["name"].removeprefix("SMART_").split("_")[-1] for tool in schema}
        assert names == {name[1:] for name in PUBLIC}
        assert asyncio.run(_styles(f"{running.url}gradio_api/mcp/"))
    finally:
        running.stop()


async def _styles(address: str) -> str:
    """What an assistant gets from the tool styles."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with (
        streamablehttp_client(address) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = (await session.list_tools()).tools
        name = next(tool.name for tool in tools if tool.name.endswith("styles"))
        result = await session.call_tool(name, {})
        text = str(result.content[0].text)
        assert "hokusai" in text
        return text
