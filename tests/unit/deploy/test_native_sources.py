"""What is compiled, what Python believes of it, and what make watches agree with the C sources."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from ctypes import c_double, c_float, c_int64, c_void_p
from pathlib import Path

import pytest

from ood_face import native

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "ood_face" / "native"
SOURCES = sorted(FOLDER.glob("*.c"))
HEADERS = sorted(FOLDER.glob("*.h"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PASSED = {"int64_t": c_int64, "float": c_float, "double": c_double}


def relative(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def code(path: Path) -> str:
    """Return what is left of a file without its comments."""
    return re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def passed(parameter: str) -> object:
    """Return how ctypes passes what a declaration like ``const float *boxes`` says."""
    return c_void_p if "*" in parameter else PASSED[parameter.split()[-2]]


def defined() -> dict[str, set[tuple[object, ...]]]:
    """Return the parameters of every function that others see, by name.

    A function may stand there twice, for different processors.
    """
    found: dict[str, set[tuple[object, ...]]] = {}
    for path in SOURCES:
        for kind, name, given in re.findall(
            r"^(\w[\w ]*?)[ \n]+(\w+)\(([^()]*)\)\s*\{", code(path), re.MULTILINE
        ):
            if "static" in kind or kind.startswith("INLINE"):
                continue
            assert kind.split()[-1] == "int64_t", f"{name} returns {kind}"
            types = () if given == "void" else tuple(map(passed, given.split(",")))
            found.setdefault(name, set()).add(types)
    return found


def test_every_source_is_compiled_and_every_header_makes_it_compiled_again() -> None:
    (module,) = PROJECT["tool"]["setuptools"]["ext-modules"]

    assert SOURCES
    assert sorted(module["sources"]) == relative(SOURCES)
    assert sorted(module["depends"]) == relative(HEADERS)
    assert module["optional"] is True
    assert module["name"] == f"ood_face.native.{native.library_path().name.partition('.')[0]}"


def test_make_installs_the_project_again_when_a_source_changes() -> None:
    watched = re.search(r"^NATIVE := (.*)$", MAKEFILE, re.MULTILINE)
    installing = re.findall(r"^\S+/\.installed: (.*)$", MAKEFILE, re.MULTILINE)
    installing = [line for line in installing if "pyproject.toml" in line]

    assert watched is not None
    assert watched[1] == "$(wildcard ood_face/native/*.c ood_face/native/*.h)"
    assert len(installing) == 3
    assert all("$(NATIVE)" in line for line in installing)


def test_python_declares_the_functions_that_are_there_and_no_others() -> None:
    assert {name: {types} for name, types in native._SIGNATURES.items()} == defined()


def test_both_sides_have_the_same_version() -> None:
    (version,) = re.findall(r"^#define NATIVE_VERSION (\d+)$", code(FOLDER / "native.h"), re.M)

    assert int(version) == native._VERSION


@pytest.mark.parametrize("path", [*SOURCES, *HEADERS], ids=lambda path: path.name)
def test_a_c_file_says_what_it_is_for_and_stands_in_the_table(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith("/* ")
    assert f"| `{path.name}` |" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_sources_need_no_python() -> None:
    assert [path.name for path in (*SOURCES, *HEADERS) if "Python.h" in code(path)] == []


def test_make_says_where_no_compiler_is_and_fails_where_it_warns(tmp_path: Path) -> None:
    recipe = re.search(r"^\t@(if command -v \$\(firstword.*?\n\tfi)$", MAKEFILE, re.M | re.S)
    flags = re.search(r"^C_WARNINGS := (.*)$", MAKEFILE, re.MULTILINE)
    assert recipe is not None
    assert flags is not None
    (tmp_path / "ood_face" / "native").mkdir(parents=True)
    source = tmp_path / "ood_face" / "native" / "one.c"
    (tmp_path / "Makefile").write_text(
        f"C_WARNINGS := {flags[1]}\ncheck:\n\t@{recipe[1]}\n", encoding="utf-8"
    )

    def made(compiler: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", "check", f"CC={compiler}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    source.write_text("int one(int unused) { return 1; }\n", encoding="utf-8")
    without = made("/no/such/compiler")
    assert without.returncode == 0
    assert "no C compiler" in without.stdout
    compiler = shutil.which("cc")
    if compiler is not None:
        assert "unused" in made(compiler).stderr
        assert made(compiler).returncode != 0
        source.write_text("int one(void) { return 1; }\n", encoding="utf-8")
        assert made(compiler).returncode == 0
