"""The folder of painters: good ones are there, bad ones are reported, nothing harms another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from smart import styles
from smart.styles import StyleError


def test_every_bundled_work_is_there_with_its_credit() -> None:
    catalogue = styles.scan(styles.BUNDLED)
    assert catalogue.bad == ()
    assert len(catalogue.styles) == 12
    assert sum(len(style.works) for style in catalogue.styles) == 21
    for style in catalogue.styles:
        assert style.artist
        assert "public domain" in style.licence
        assert "WebMuseum" in style.source
        for work in style.works:
            assert work.title
            assert work.slug.startswith(style.slug + "/")


def test_an_artist_a_work_and_a_weight(few_styles: Path) -> None:
    catalogue = styles.scan()
    assert [style.slug for style in catalogue.styles] == ["red-noise", "hokusai"] or [
        style.slug for style in catalogue.styles
    ] == ["hokusai", "red-noise"]
    together = catalogue.choose("hokusai")
    assert [work.slug for work in together.works] == ["hokusai/great-wave", "hokusai/poppies"]
    assert catalogue.choose("hokusai/great-wave:0.4").weight == 0.4
    assert catalogue.choose("hokusai/great-wave").works[0].title == "The Great Wave"
    assert catalogue.choose("hokusai/poppies").works[0].title == "Poppies"
    assert catalogue.choose("red-noise").works[0].path.name == "Red Noise.jpg"


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("hokusia", "did you mean hokusai"),
        ("great-wave", "hokusai/great-wave"),
        ("Hokusai", "hokusai"),
        ("picasso", "there are: red-noise, hokusai"),
        ("../hokusai", "hokusai"),
        ("/etc/passwd", "no style"),
        ("", "no style"),
    ],
)
def test_an_unknown_style_offers_the_nearest(few_styles: Path, text: str, nearest: str) -> None:
    with pytest.raises(StyleError, match=nearest):
        styles.scan().choose(text)


@pytest.mark.parametrize("text", ["hokusai:x", "hokusai:-1", "hokusai:nan", "hokusai:inf"])
def test_a_weight_that_is_none(few_styles: Path, text: str) -> None:
    with pytest.raises(StyleError, match="no number from 0 to 1000"):
        styles.scan().choose(text)


def test_nobody_chosen(few_styles: Path) -> None:
    for nobody in ([], ["hokusai:0"]):
        with pytest.raises(StyleError, match="No painter is chosen"):
            styles.scan().choose_all(nobody)


def test_a_dropped_picture_appears_and_a_changed_one_is_read_again(few_styles: Path) -> None:
    before = {style.slug for style in styles.scan().styles}
    Image.new("RGB", (64, 64), "red").save(few_styles / "new one.png")
    after = styles.scan()
    assert {style.slug for style in after.styles} - before == {"new-one"}
    first = after.choose("new-one").works[0].sha256
    Image.new("RGB", (80, 64), "blue").save(few_styles / "new one.png")
    assert styles.scan().choose("new-one").works[0].sha256 != first


BROKEN = {
    "not-toml": ("style.toml", b"name = ", "no valid TOML"),
    "not-text": ("style.toml", b"name = 7.5", "short text in quotes"),
    "not-a-list": ("style.toml", b"work = 3", "under \\[\\[work\\]\\]"),
    "missing-file": ("style.toml", b'[[work]]\nfile = "gone.png"', "names 'gone.png'"),
    "climbing": ("style.toml", b'[[work]]\nfile = "../../app.py"', "which is not there"),
    "binary": ("style.toml", b"\xff\xfe\x00", "no valid TOML"),
    "cut": ("cut.png", b"\x89PNG\r\n\x1a\n\x00\x00", "damaged|no picture"),
    "text-as-image": ("x.jpg", b"hello", "no picture"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_bad_one_is_listed_and_harms_nothing(few_styles: Path, case: str) -> None:
    file, data, reason = BROKEN[case]
    folder = few_styles / case
    shutil.copytree(few_styles / "hokusai", folder)
    (folder / file).write_bytes(data)
    catalogue = styles.scan()
    assert {style.slug for style in catalogue.styles} == {"hokusai", "red-noise"}
    (bad,) = catalogue.bad
    assert bad.slug == case
    with pytest.raises(StyleError, match=reason):
        catalogue.choose(case)


def test_empty_folders_small_pictures_and_doubles(few_styles: Path) -> None:
    (few_styles / "empty").mkdir()
    Image.new("RGB", (9, 9)).save(few_styles / "tiny.png")
    Image.new("RGB", (64, 64)).save(few_styles / "hokusai.png")
    (few_styles / "notes.pdf").write_bytes(b"%PDF")
    (few_styles / "README.md").write_text("fine")
    reasons = {bad.slug: bad.reason for bad in styles.scan().bad}
    assert "holds no picture" in reasons["empty"]
    assert "at least 16 px" in reasons["tiny"]
    assert "Another style is called 'hokusai'" in reasons["hokusai"]
    assert "no picture" in reasons["notes"]


def test_no_folder_is_an_empty_catalogue(tmp_path: Path) -> None:
    catalogue = styles.scan(tmp_path / "nowhere")
    assert catalogue == styles.Catalogue(())
    with pytest.raises(StyleError, match="put a picture into it"):
        catalogue.choose("hokusai")


@given(st.text(max_size=40))
def test_slugs_are_plain_and_stable(name: str) -> None:
    slug = styles.slugify(name)
    assert slug.isascii()
    assert all(c.isalnum() or c == "-" for c in slug)
    assert styles.slugify(slug) == slug


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
def test_any_style_toml_is_good_or_bad(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "a").mkdir()
    Image.new("RGB", (20, 20)).save(folder / "a" / "one.png")
    (folder / "a" / "style.toml").write_bytes(data)
    catalogue = styles.scan(folder)
    assert len(catalogue.styles) + len(catalogue.bad) == 1


def test_contact_picture_is_square() -> None:
    works = styles.scan(styles.BUNDLED).choose("hokusai").works
    assert styles.contact_picture(works, 128).size == (128, 128)
    assert styles.contact_picture(works[:1], 96).size == (96, 96)
    assert styles.contact_picture(works[:2], 96).size == (96, 96)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["hokusai", "red-noise"]),
        ("HOKU", ["hokusai"]),
        ("wave 1831", ["hokusai"]),
        ("public domain", ["hokusai"]),
        ("Wàve", ["hokusai"]),
        ("noise", ["red-noise"]),
        ("wave noise", []),
    ],
)
def test_search(few_styles: Path, text: str, found: list[str]) -> None:
    shown = styles.search(styles.scan().styles, text)
    assert [style.slug for style in shown] == found


def test_more_folders_come_after_and_hide_nothing(few_styles: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    Image.new("RGB", (64, 64), "red").save(mine / "a first.png")
    Image.new("RGB", (64, 64), "red").save(mine / "hokusai.png")
    catalogue = styles.scan(more=[mine, tmp_path / "nowhere"])
    assert [style.slug for style in catalogue.styles][-1] == "a-first"
    assert len(catalogue.choose("hokusai").works) == 2
    assert [bad.slug for bad in catalogue.bad] == ["hokusai"]
    assert "a-first" not in {style.slug for style in styles.scan().styles}
