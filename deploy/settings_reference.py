"""Write ``deploy/env.example`` and the README's table of settings from ``Settings``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args, get_origin

from ood_face.config import Settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

__all__ = ["env_example", "main", "settings_table", "with_table"]

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- settings: written by make settings -->"
END = "<!-- end of settings -->"

HEAD = """\
# Settings of ood_face. Copy this file to .env in the project's folder and change what you need.
# Every line shows the default; an empty value means unset. Written by `make settings`.
"""


class Row(NamedTuple):
    """One setting: its variable, the default as one would write it, what it means."""

    variable: str
    default: str
    description: str


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return ""  # depends on the machine; the description says how
    value = field.default
    if isinstance(value, Path) and value.is_relative_to(ROOT):
        return str(value.relative_to(ROOT))
    return "" if value is None else str(value)


def _description(field: FieldInfo) -> str:
    text = field.description or ""
    if get_origin(field.annotation) is Literal:
        text += f" One of: {', '.join(get_args(field.annotation))}."
    return text


def rows() -> list[Row]:
    """Return every setting, in the order of ``Settings``."""
    prefix = Settings.model_config.get("env_prefix", "")
    return [
        Row(f"{prefix}{name}".upper(), _default(field), _description(field))
        for name, field in Settings.model_fields.items()
    ]


def env_example() -> str:
    """Return the text of ``deploy/env.example``."""
    blocks = [f"# {row.description}\n# {row.variable}={row.default}\n" for row in rows()]
    return "\n".join([HEAD, *blocks])


def settings_table() -> str:
    """Return the settings as a Markdown table."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for row in rows():
        default = f"`{row.default}`" if row.default else ""
        lines.append(f"| `{row.variable}` | {default} | {row.description} |")
    return "\n".join(lines)


def with_table(readme: str) -> str:
    """Return ``readme`` with the table between its two markers renewed.

    Raises
    ------
    ValueError
        A marker is missing.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        message = f"the README must contain {BEGIN} and then {END}"
        raise ValueError(message)
    return f"{before}{BEGIN}\n{settings_table()}\n{END}{after}"


def main() -> None:
    """Rewrite both files."""
    (ROOT / "deploy" / "env.example").write_text(env_example(), encoding="utf-8")
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
