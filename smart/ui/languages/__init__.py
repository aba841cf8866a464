"""The page in other languages: each JSON file here is one, called by its code (es.json).

It maps each English text of the page to its translation. {fields} stand for anything; what stands
under "" is what the language calls itself. See assets/language.js for how texts are found.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

from smart.ui import theme

FOLDER = Path(__file__).parent
_MARK = "/* TABLES */ {}"
_FIELD = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=1)
def tables() -> dict[str, dict[str, str]]:
    """{code: {English: translation}} of every language there is beside English."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(FOLDER.glob("*.json"))
    }


def script() -> str:
    """What goes into the page's head: the script with all tables inside."""
    source = (theme.ASSETS / "language.js").read_text(encoding="utf-8")
    # A closing tag within the data would end the script.
    data = json.dumps(tables(), ensure_ascii=False).replace("</", "<\\/")
    return f"<script>{source.replace(_MARK, data)}</script>"


def links() -> str:
    """Links to the page in each language, for its foot; none where there is only one."""
    if not tables():
        return ""
    names = {"en": "English", **{code: table.get("", code) for code, table in tables().items()}}
    anchors = (
        f'<a href="?lang={code}" lang="{code}" translate="no">{name}</a>'
        for code, name in names.items()
    )
    return " · ".join(anchors)


def fields(text: str) -> list[str]:
    """The names of the fields in a text."""
    return sorted(_FIELD.findall(text))
