"""The page's sentences: one TOML catalogue a language, looked up by dotted key."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

__all__ = ["DEFAULT_LANGUAGE", "LANGUAGES", "Texts", "texts"]

LANGUAGES = ("en", "zh")
DEFAULT_LANGUAGE = "en"
_LOCALE_DIR = Path(__file__).parent / "locale"


class Texts:
    """The sentences of one language.

    Parameters
    ----------
    language : the language's code
    sections : sentences by section and name, as the catalogue file holds them
    """

    def __init__(self, language: str, sections: dict[str, dict[str, str]]) -> None:
        self.language = language
        self._sections = sections

    def __call__(self, key: str, **values: object) -> str:
        """Return a sentence with its places filled; a key that is missing is a ``KeyError``."""
        section, _, name = key.partition(".")
        return self._sections[section][name].format(**values)

    def __contains__(self, key: str) -> bool:
        section, _, name = key.partition(".")
        return name in self._sections.get(section, {})

    def templates(self) -> dict[str, str]:
        """Return every sentence by its dotted key, places unfilled."""
        return {
            f"{section}.{name}": sentence
            for section, sentences in self._sections.items()
            for name, sentence in sentences.items()
        }


@cache
def texts(language: str) -> Texts:
    """Return the sentences of a language; of the default one where it is unknown."""
    known = language if language in LANGUAGES else DEFAULT_LANGUAGE
    with (_LOCALE_DIR / f"{known}.toml").open("rb") as file:
        return Texts(known, tomllib.load(file))
