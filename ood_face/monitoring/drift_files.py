"""What the drift watch remembers: references and windows, in one file with a checksum."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ood_face.errors import ChecksumError, StorageCorruptError
from ood_face.monitoring.drift import SIGNALS, DriftMonitor
from ood_face.monitoring.drift_verdicts import VerdictWindow
from ood_face.monitoring.drift_windows import DriftState, Reference, SignalWindow
from ood_face.storage import file_errors, write_atomically
from ood_face.types import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from ood_face.monitoring.drift import DriftStatus

__all__ = ["FILE", "load_monitor", "read_saved", "save_monitor", "set_aside"]

# in the data folder
FILE = "drift.json"
FORMAT = 1
_SEAL = "sha256"
_FIGURES = ("psi", "ks", "long_psi", "long_ks")


def save_monitor(path: Path, monitor: DriftMonitor) -> None:
    """Write a monitor in one step.

    Raises
    ------
    StorageError
        It cannot be written; what was there is as it was.
    """
    document = {
        "format": FORMAT,
        "model_id": monitor.model_id,
        "saved_at": monitor.status().at,
        "signals": {name: _table(window) for name, window in monitor.signals.items()},
        "labels": list(monitor.labels.items),
        "label_state": monitor.labels.state,
        "verdicts": list(monitor.verdicts.items),
        "reference_verdicts": dict(monitor.verdicts.reference),
        "verdict_watch": _verdict_table(monitor.verdicts),
    }
    sealed = document | {_SEAL: _seal(document)}
    with file_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(sealed) + "\n", encoding="utf-8")


def load_monitor(path: Path, monitor: DriftMonitor) -> str | None:
    """Bring a fresh monitor to where it was saved.

    A reference that the monitor has of a calibration stays: a saved window that was compared with
    another one is left out, and so is everything of another model.

    Returns
    -------
    When it was saved, ISO 8601; None: there is nothing of this model

    Raises
    ------
    ChecksumError
        The file was changed after it was written.
    StorageCorruptError
        It cannot be read, or is of another format. In both cases the monitor is as it was.
    """
    document = _read(path)
    if document is None or document.get("model_id") != monitor.model_id:
        return None
    try:
        signals = {
            name: _window(monitor.signals[name], document["signals"][name]) for name in SIGNALS
        }
        labels = [(float(probability), bool(same)) for probability, same in document["labels"]]
        label_state = DriftState(document["label_state"])
        verdicts = [Verdict(value) for value in document["verdicts"]]
        counted = {Verdict(k): int(v) for k, v in document["reference_verdicts"].items()}
        # of files written before the shares of verdicts were watched: not there
        watched = _verdict_window(monitor.verdicts, document.get("verdict_watch"))
        saved_at = str(document["saved_at"])
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise _corrupt(path, f"{type(exc).__name__}: {exc}") from exc
    monitor.signals.update(signals)
    monitor.labels.items.extend(labels)
    monitor.labels.state = label_state
    watched.items.extend(verdicts)
    watched.reference = Counter(counted)
    if watched.thresholds is not None and watched.state == DriftState.LEARNING:
        watched.state = DriftState.FILLING
    monitor.verdicts = watched
    return saved_at


def read_saved(path: Path, reference_count: int, ece_alert: float) -> DriftStatus | None:
    """Return how a saved monitor stood; None: there is no file.

    Parameters
    ----------
    reference_count, ece_alert : as of :class:`DriftMonitor`

    Raises
    ------
    ChecksumError, StorageCorruptError
        As of :func:`load_monitor`.
    """
    document = _read(path)
    if document is None:
        return None
    try:
        stored = {name: document["signals"][name]["reference"] for name in SIGNALS}
        references = {
            name: _reference(table) for name, table in stored.items() if table is not None
        }
        model_id, saved_at = str(document["model_id"]), str(document["saved_at"])
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise _corrupt(path, f"{type(exc).__name__}: {exc}") from exc
    monitor = DriftMonitor(model_id, reference_count, ece_alert, references, lambda: saved_at)
    load_monitor(path, monitor)
    return monitor.status()


def set_aside(path: Path) -> Path:
    """Rename a file that is of no use, so that another can take its place; return where it is.

    Raises
    ------
    StorageError
        It cannot be renamed.
    """
    aside = path.with_name(f"{path.name}.damaged")
    with file_errors(path):
        path.replace(aside)
    return aside


def _table(window: SignalWindow) -> dict[str, Any]:
    return {
        "reference": None if window.reference is None else asdict(window.reference),
        "learned": window.learned,
        "bins": list(window.bins),
        "long_bins": list(window.long_bins),
        "since_look": window.since_look,
        "state": window.state,
        **{key: getattr(window, key) for key in _FIGURES},
    }


def _verdict_table(window: VerdictWindow) -> dict[str, Any]:
    return {
        "since_reference": list(window.since_reference),
        "since_look": window.since_look,
        "state": window.state,
        "psi": window.psi,
        "long_psi": window.long_psi,
    }


def _window(fresh: SignalWindow, table: dict[str, Any]) -> SignalWindow:
    found = None if table["reference"] is None else _reference(table["reference"])
    if fresh.reference is None:
        if found is not None and found.source != "first":
            return fresh  # of a calibration that is not selected any more
    elif found is None or (found.edges, found.counts) != (
        fresh.reference.edges,
        fresh.reference.counts,
    ):
        return fresh
    fresh.reference = found
    fresh.learned = [float(value) for value in table["learned"]]
    most = 0 if found is None else len(found.counts)
    # of files written before there was a long window: what the short one holds
    for name, numbers in (
        ("bins", table["bins"]),
        ("long_bins", table.get("long_bins", table["bins"])),
    ):
        bins = [int(number) for number in numbers]
        if not all(0 <= number < most for number in bins):
            message = f"a bin lies outside 0..{most - 1}"
            raise ValueError(message)
        getattr(fresh, name).extend(bins)
    fresh.since_look = int(table["since_look"])
    fresh.state = DriftState(table["state"])
    for key in _FIGURES:
        value = table.get(key)
        setattr(fresh, key, None if value is None else float(value))
    return fresh


def _verdict_window(fresh: VerdictWindow, table: dict[str, Any] | None) -> VerdictWindow:
    found = VerdictWindow(fresh.reference_count)
    if table is not None:
        found.since_reference.extend(Verdict(value) for value in table["since_reference"])
        found.since_look = int(table["since_look"])
        found.state = DriftState(table["state"])
        found.psi, found.long_psi = (
            None if table[key] is None else float(table[key]) for key in ("psi", "long_psi")
        )
    return found


def _reference(table: dict[str, Any]) -> Reference:
    edges = tuple(float(edge) for edge in table["edges"])
    counts = tuple(int(count) for count in table["counts"])
    if len(counts) != len(edges) + 1 or list(edges) != sorted(edges) or min(counts) < 0:
        message = f"{len(edges)} edges and {len(counts)} counts are no reference"
        raise ValueError(message)
    return Reference(edges, counts, str(table["source"]), str(table["taken_at"]))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise _corrupt(path, exc.strerror or type(exc).__name__) from exc
    except ValueError as exc:  # JSONDecodeError and UnicodeDecodeError
        raise _corrupt(path, f"no valid JSON: {exc}") from exc
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _corrupt(path, f"it is not of format {FORMAT}")
    expected = document.pop(_SEAL, None)
    if expected != _seal(document):
        raise ChecksumError(
            "drift.edited",
            "{file} was changed after it was written: its checksum does not fit; delete it to "
            "take a new reference",
            file=str(path),
        )
    return document


def _corrupt(path: Path, problem: str) -> StorageCorruptError:
    return StorageCorruptError(
        "drift.bad_file",
        "{file} holds no drift reference: {problem}; delete it to take a new one",
        file=str(path),
        problem=problem,
    )


def _seal(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
