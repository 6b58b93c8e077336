"""When two names are the same: pure functions, no server needed."""

from __future__ import annotations

import unicodedata


def fold(text: str, *, keep_case: bool = False) -> str:
    """Return what equal names have in common: NFKC and, unless `keep_case`, casefolded.

    The comparison of identifiers of Unicode Technical Report 36, section 2.11.2, which
    Django's forms use too.
    """
    normal = unicodedata.normalize("NFKC", text)
    return normal if keep_case else normal.casefold()


def is_text(value: object) -> bool:
    """Tell whether `value` is a string that can be stored and hashed.

    JSON can smuggle in half a surrogate pair ("\\ud800"), which has no UTF-8.
    """
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
