"""The page's sentences: a folder of TOML catalogues a language, looked up by dotted key."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ood_face.messages import DEFAULT_LANGUAGE, LANGUAGES

if TYPE_CHECKING:
    from ood_face.messages import Language

__all__ = ["Texts", "texts"]

_LOCALE_DIR = Path(__file__).parent / "locale"


class Texts:
    """The sentences of one language.

    Parameters
    ----------
    language : the language's code
    sections : sentences by section and name, as the catalogue file holds them
    """

    def __init__(self, language: Language, sections: dict[str, dict[str, str]]) -> None:
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


def texts(language: str) -> Texts:
    """Return the sentences of a language; of the default one where it is unknown."""
    known = next((known for known in LANGUAGES if known == language), DEFAULT_LANGUAGE)
    return _load(known)


@cache
def _load(language: Language) -> Texts:
    sections: dict[str, dict[str, str]] = {}
    for path in sorted((_LOCALE_DIR / language).glob("*.toml")):
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        if twice := sections.keys() & found.keys():
            message = f"{path}: sections of another file: {', '.join(sorted(twice))}"
            raise ValueError(message)
        sections |= found
    return Texts(language, sections)
