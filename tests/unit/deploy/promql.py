"""Reads from a PromQL expression which numbers it asks for, by name and labels."""

from __future__ import annotations

import re

# what the expressions of deploy/ call; any other name has to be that of a number
FUNCTIONS = frozenset(
    {
        "changes",
        "histogram_quantile",
        "increase",
        "label_values",
        "max",
        "min",
        "rate",
        "sum",
        "time",
        "topk",
        "vector",
    }
)
WORDS = frozenset({"offset", "or", "unless"})
# Prometheus adds these to every number it scrapes
OF_SCRAPE = frozenset({"instance", "job"})

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"([A-Za-z_:][\w:]*)\s*\{([^}]*)\}")
_MATCHED = re.compile(r"([A-Za-z_]\w*)\s*(?:=~|!~|!=|=)")
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
_NAME = re.compile(r"[A-Za-z_:][\w:]*")


def names(expression: str) -> dict[str, set[str]]:
    """Return the numbers of an expression and the labels that each is chosen by."""
    bare = _STRING.sub('""', expression)
    found: dict[str, set[str]] = {}
    for name, matchers in _SELECTOR.findall(bare):
        found.setdefault(name, set()).update(_MATCHED.findall(matchers))
    rest = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", _GROUPING.sub(" ", bare))
    rest = re.sub(r"\b\d[\w.]*", " ", rest.replace('""', " "))
    for name in _NAME.findall(rest):
        if name not in FUNCTIONS | WORDS:
            found.setdefault(name, set())
    return found


def groupings(expression: str) -> set[str]:
    """Return the labels that an expression groups by or matches on."""
    bare = _STRING.sub('""', expression)
    return {label for group in _GROUPING.findall(bare) for label in _NAME.findall(group)}
