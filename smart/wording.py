"""Anyone's text made fit to be told: in a message, in a log, under a picture."""

from __future__ import annotations

import re
import unicodedata

NAMED = 80  # characters of a name in a message


def one_line(text: str) -> str:
    """Text on one line: no control characters, halves of characters, or marks that turn it round.

    What would begin a line of its own in a log, or colour a terminal, is a blank.
    """
    text = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in text)
    text = re.sub(r"[\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "", text)
    return re.sub(r"\s+", " ", text).strip()


def named(text: object, longest: int = NAMED) -> str:
    """A name as a message may hold it: on one line, its middle left out where it is too long."""
    whole = str(text)
    plain = one_line(whole[: 4 * longest] if len(whole) > 8 * longest else whole) or "?"
    if len(plain) <= longest:
        return plain
    return f"{plain[: longest - 24]}...{plain[-20:]}"
