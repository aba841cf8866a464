"""A painter that is added: whole or not at all, in every kind of words, and without metadata."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from smart import images, new_style, provenance, styles
from smart.new_style import Limits, NewStyle, NewWork
from smart.styles import StyleError


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "my_holiday.png"
    Image.effect_noise((80, 70), 90).convert("RGB").resize((160, 140)).save(path)
    return path


def told(picture: Path, **more: str) -> NewStyle:
    return NewStyle(**{"name": "Maria Schürmann", "works": (NewWork(picture),), **more})  # type: ignore[arg-type]


def test_what_is_saved_is_what_a_scan_finds(few_styles: Path, picture: Path) -> None:
    works = (NewWork(picture), NewWork(picture, 'The "Wave"\\', "c. 1831"), NewWork(picture))
    new = NewStyle(
        "Maria Schürmann", works, "Maria S.", "1901-1980", "CC BY 4.0", "https://example.org"
    )
    slug = new_style.save(new, few_styles, styles.scan())
    assert slug == "maria-schurmann"
    catalogue = styles.scan()
    assert catalogue.bad == ()
    style = next(one for one in catalogue.styles if one.slug == slug)
    assert (style.name, style.artist, style.year) == ("Maria Schürmann", "Maria S.", "1901-1980")
    assert (style.licence, style.source) == ("CC BY 4.0", "https://example.org")
    assert style.added == new_style.ADDED
    assert sorted((work.title, work.year) for work in style.works) == [
        ("My holiday", ""), ("My holiday", ""), ('The "Wave"\\', "c. 1831"),
    ]  # fmt: skip
    assert not [path for path in few_styles.iterdir() if path.name.startswith(".")]
    mode = (few_styles / slug).stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    assert mode == 0o777 & ~umask


def test_only_the_pixels_come_along(tmp_path: Path, few_styles: Path) -> None:
    photo = Image.effect_noise((300, 200), 90).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010E] = "taken at home"
    photo.save(tmp_path / "a.jpg", exif=exif, comment=b"secret comment", icc_profile=b"profile")
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "secret author")
    Image.new("RGB", (200, 100), "red").save(tmp_path / "b.png", pnginfo=info)
    works = (NewWork(tmp_path / "a.jpg"), NewWork(tmp_path / "b.png"))
    new_style.save(NewStyle("New", works), few_styles, limits=Limits(longest=150))
    with (
        Image.open(few_styles / "new" / "a.jpg") as a,
        Image.open(few_styles / "new" / "b.png") as b,
    ):
        assert a.size == (100, 150)  # upright, and scaled down
        assert b.size == (150, 75)
        assert not a.getexif()
        assert not {"comment", "icc_profile", "exif"} & set(a.info)
        assert not b.info
    data = b"".join(path.read_bytes() for path in (few_styles / "new").iterdir())
    assert b"secret" not in data
    assert b"taken at home" not in data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "no name yet"),
        ({"name": " \n\t"}, "no name yet"),
        ({"name": "葛飾北斎"}, "in Latin letters, too"),
        ({"name": "---"}, "no Latin letter"),
        ({"name": "x" * 81}, "81 characters; shorten it to 80"),
        ({"artist": "x" * 301}, "artist has 301 characters"),
        ({"source": "x" * 301}, "source has 301 characters"),
        ({"works": ()}, "no picture yet"),
        ({"name": "Hokusai"}, "already; call this one 'Hokusai 2', or otherwise"),
        ({"name": "CON"}, "used for something else; call this one 'CON 2'"),
    ],
)
def test_what_is_refused(
    few_styles: Path, picture: Path, change: dict[str, str], message: str
) -> None:
    before = sorted(few_styles.rglob("*"))
    with pytest.raises(StyleError, match=message):
        new_style.save(told(picture, **change), few_styles, styles.scan())
    assert sorted(few_styles.rglob("*")) == before


def test_pictures_that_are_none(few_styles: Path, tmp_path: Path, picture: Path) -> None:
    (tmp_path / "song.png").write_bytes(b"la la la")
    Image.new("RGB", (63, 200)).save(tmp_path / "slip.png")
    before = sorted(few_styles.rglob("*"))
    for name, message in (
        ("song.png", "song.png is no picture"),
        ("slip.png", "at least 64 px"),
        ("gone.png", "There is no file gone.png"),
    ):
        works = (NewWork(picture), NewWork(tmp_path / name))
        with pytest.raises(images.ImageError, match=message):
            new_style.save(NewStyle("New", works), few_styles)
    assert sorted(few_styles.rglob("*")) == before


def test_limits(few_styles: Path, picture: Path) -> None:
    with pytest.raises(StyleError, match="give at most 2"):
        new_style.save(NewStyle("New", (NewWork(picture),) * 3), few_styles, limits=Limits(works=2))
    with pytest.raises(StyleError, match="1 painters already"):
        new_style.save(told(picture), few_styles, limits=Limits(styles=1))
    with pytest.raises(StyleError, match="more than 0 MB"):
        new_style.save(told(picture), few_styles, limits=Limits(bytes=1000))
    assert {path.name for path in few_styles.iterdir()} == {"hokusai", "Red Noise.jpg"}


def test_a_full_disk_leaves_nothing_behind(
    few_styles: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = sorted(few_styles.rglob("*"))
    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(StyleError, match=r"No space left on device\); make room"):
        new_style.save(told(picture), few_styles)
    assert sorted(few_styles.rglob("*")) == before


def test_a_folder_that_is_none(tmp_path: Path, picture: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StyleError, match="cannot be written"):
        new_style.save(told(picture), tmp_path / "file" / "styles")


def test_what_was_never_finished_goes_after_a_while(few_styles: Path, picture: Path) -> None:
    for name, modified in ((".new-old", 1.0), (".new-now", None)):
        (few_styles / name).mkdir()
        if modified:
            os.utime(few_styles / name, (modified, modified))
    new_style.save(told(picture), few_styles)
    assert not (few_styles / ".new-old").exists()
    assert (few_styles / ".new-now").exists()


def test_rename_and_remove(few_styles: Path, picture: Path) -> None:
    slug = new_style.save(told(picture), few_styles)
    checksum = styles.scan().choose(slug).works[0].sha256
    new_style.rename(styles.scan(), slug, few_styles, 'M. "S." \\ = #')
    style = next(one for one in styles.scan().styles if one.slug == slug)
    assert style.name == 'M. "S." \\ = #'
    assert style.works[0].sha256 == checksum
    for name in ("", "x" * 81):
        with pytest.raises(StyleError, match=r"empty|shorten"):
            new_style.rename(styles.scan(), slug, few_styles, name)
    new_style.remove(styles.scan(), slug, few_styles)
    assert {path.name for path in few_styles.iterdir()} == {"hokusai", "Red Noise.jpg"}


@pytest.mark.parametrize("slug", ["hokusai", "red-noise", "nobody", "../hokusai", ""])
def test_what_was_not_added_here_stays(few_styles: Path, picture: Path, slug: str) -> None:
    new_style.save(told(picture), few_styles)
    catalogue = styles.scan()
    for change in (
        lambda: new_style.remove(catalogue, slug, few_styles),
        lambda: new_style.rename(catalogue, slug, few_styles, "x"),
        lambda: new_style.remove(catalogue, "maria-schurmann", few_styles.parent),
    ):
        with pytest.raises(StyleError, match="was not added here"):
            change()
    assert styles.scan() == catalogue


def test_a_name_written_by_hand_another_way_is_left(few_styles: Path, picture: Path) -> None:
    slug = new_style.save(told(picture), few_styles)
    manifest = few_styles / slug / "style.toml"
    manifest.write_text('"name" = "By hand"\nadded = "in the browser"\n', encoding="utf-8")
    with pytest.raises(StyleError, match="changed by hand"):
        new_style.rename(styles.scan(), slug, few_styles, "x")
    assert styles.scan().choose(slug)


@given(st.text(st.characters(), max_size=200))
def test_any_text_survives_toml(text: str) -> None:
    clean = new_style.cleaned(text)
    assert new_style.cleaned(clean) == clean
    assert tomllib.loads(f"a = {new_style.quoted(clean)}")["a"] == clean
    assert "\n" not in clean


@settings(max_examples=40, deadline=None)
@given(
    name=st.text(max_size=90), title=st.text(max_size=60), artist=st.text(max_size=60),
    year=st.text(max_size=20),
)  # fmt: skip
def test_saved_or_refused_never_broken(
    tmp_path_factory: pytest.TempPathFactory, name: str, title: str, artist: str, year: str
) -> None:
    folder = tmp_path_factory.mktemp("law")
    picture = folder / "p.png"
    Image.new("RGB", (64, 64), "red").save(picture)
    target = folder / "styles"
    new = NewStyle(name, (NewWork(picture, title, year),) * 2, artist)
    try:
        slug = new_style.save(new, target)
    except StyleError:
        assert not target.exists() or not list(target.iterdir())
        return
    catalogue = styles.scan(target)
    assert catalogue.bad == ()
    (style,) = catalogue.styles
    assert style.slug == slug
    assert style.name == new_style.cleaned(name)
    assert style.artist == new_style.cleaned(artist)
    assert len(style.works) == len({work.slug for work in style.works}) == 2


def test_a_portrait_by_a_painter_of_ones_own_is_read_with_that_painter(
    few_styles: Path, tmp_path: Path, picture: Path
) -> None:
    mine = tmp_path / "mine"
    slug = new_style.save(told(picture), mine, styles.scan())
    catalogue = styles.scan(more=[mine])
    known = {
        "sitter": {"seed": 1}, "painting": {}, "network": "vgg16", "precision": "float32",
        "styles": provenance.painters_to_list([catalogue.choose(slug)]),
    }  # fmt: skip
    assert provenance.parse(known, "It", catalogue=catalogue).choices[0].slug == slug
    with pytest.raises(StyleError, match="There is no style"):
        provenance.parse(known, "It")
