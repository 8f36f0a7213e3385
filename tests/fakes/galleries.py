"""A gallery store in memory, searched by comparing the probe with everything."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import BackendError
from ood_face.matching import refusals
from ood_face.types import (
    FEATURE_DIM,
    EnrolledSubject,
    GalleryCounts,
    GalleryInfo,
    Hit,
    NewTemplate,
    Profile,
    RequestToken,
    Subject,
    TemplateRecord,
    check_subject_id,
)
from ood_face.types.arrays import frozen_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_NO_FEATURES = np.zeros((0, FEATURE_DIM), np.float32)


@dataclass
class Entry:
    """A subject with what its templates were made of, by template id."""

    subject: Subject
    made_of: dict[int, NewTemplate] = field(default_factory=dict)


@dataclass
class Content:
    """What one gallery holds."""

    info: GalleryInfo
    entries: dict[str, Entry] = field(default_factory=dict)
    deleted: bool = False


@dataclass
class Memory:
    """What outlives a store: it can be opened again over the same memory."""

    galleries: dict[str, Content] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    last: int = 0

    def tick(self) -> int:
        self.last = max(time.time_ns() // 1000, self.last + 1)
        return self.last


class FakeGallery:
    """See :class:`ood_face.ports.Gallery`."""

    def __init__(self, memory: Memory, content: Content) -> None:
        self._memory = memory
        self._content = content

    @property
    def info(self) -> GalleryInfo:
        return self._there().info

    def counts(self) -> GalleryCounts:
        entries = self._there().entries
        return GalleryCounts(len(entries), sum(len(entry.made_of) for entry in entries.values()))

    def index_kind(self) -> str:
        self._there()
        return "flat"

    def create_subject(
        self,
        subject_id: str,
        profile: Profile,
        templates: Sequence[NewTemplate],
        token: RequestToken | None = None,
    ) -> Subject:
        check_subject_id(subject_id)
        with self._memory.lock:
            content = self._there()
            profile = self._written(profile)
            refusals.check_templates(content.info, templates, 0)
            if subject_id in content.entries:
                raise refusals.duplicate_subject(content.info.name, subject_id)
            subject = Subject(subject_id, profile, (), datetime.now(UTC), 0, token)
            content.entries[subject_id] = Entry(subject)
            return self._changed(content.entries[subject_id], templates, ())

    def subject(self, subject_id: str) -> Subject:
        return self._entry(subject_id).subject

    def subjects(self, after: str | None, limit: int) -> list[Subject]:
        with self._memory.lock:
            entries = self._there().entries
            ids = sorted(key for key in entries if after is None or key > after)
            return [entries[key].subject for key in ids[: max(limit, 0)]]

    def enrolled(self, subject_ids: Sequence[str]) -> list[EnrolledSubject]:
        with self._memory.lock:
            entries = self._there().entries
            found = [entries[key] for key in subject_ids if key in entries]
            return [
                EnrolledSubject(
                    entry.subject,
                    np.stack([t.feature for t in entry.made_of.values()])
                    if entry.made_of
                    else _NO_FEATURES,
                )
                for entry in found
            ]

    def crop(self, template_id: int) -> NDArray[np.uint8] | None:
        with self._memory.lock:
            content = self._there()
            for entry in content.entries.values():
                if template_id in entry.made_of:
                    return entry.made_of[template_id].crop
            raise refusals.no_template(content.info.name, template_id)

    def find_token(self, key_hash: str) -> tuple[RequestToken, Subject] | None:
        with self._memory.lock:
            for entry in self._there().entries.values():
                tokens = [entry.subject.token, *(t.token for t in entry.subject.templates)]
                for token in tokens:
                    if token is not None and token.key_hash == key_hash:
                        return token, entry.subject
        return None

    def update_subject(
        self, subject_id: str, profile: Profile, if_version: int | None = None
    ) -> Subject:
        with self._memory.lock:
            entry = self._entry(subject_id)
            refusals.check_version(subject_id, entry.subject.version, if_version)
            entry.subject = replace(entry.subject, profile=self._written(profile))
            return self._changed(entry, (), ())

    def change_templates(
        self,
        subject_id: str,
        add: Sequence[NewTemplate],
        remove: Sequence[int],
        if_version: int | None = None,
    ) -> Subject:
        with self._memory.lock:
            info = self.info
            entry = self._entry(subject_id)
            refusals.check_version(subject_id, entry.subject.version, if_version)
            for template_id in remove:
                if template_id not in entry.made_of:
                    raise refusals.no_template(info.name, template_id)
            refusals.check_templates(info, add, len(entry.made_of) - len(set(remove)))
            return self._changed(entry, add, remove)

    def delete_subject(self, subject_id: str, if_version: int | None = None) -> None:
        with self._memory.lock:
            entry = self._entry(subject_id)
            refusals.check_version(subject_id, entry.subject.version, if_version)
            del self._content.entries[subject_id]

    def search(self, features: NDArray[np.float32], count: int) -> list[list[Hit]]:
        features = frozen_array(features, np.float32, (len(features), FEATURE_DIM))
        with self._memory.lock:
            known = [
                (template_id, entry.subject.subject_id, template.feature)
                for entry in self._there().entries.values()
                for template_id, template in entry.made_of.items()
            ]
        found = []
        for feature in features:
            hits = [Hit(number, who, float(other @ feature)) for number, who, other in known]
            hits.sort(key=lambda hit: -hit.similarity)
            found.append(hits[: max(count, 0)])
        return found

    def _there(self) -> Content:
        if self._content.deleted:
            raise refusals.no_gallery(self._content.info.name)
        return self._content

    def _entry(self, subject_id: str) -> Entry:
        content = self._there()
        if subject_id not in content.entries:
            raise refusals.no_subject(content.info.name, subject_id)
        return content.entries[subject_id]

    def _written(self, profile: Profile) -> Profile:
        return Profile(profile.name, json.loads(json.dumps(dict(profile.metadata))))

    def _changed(self, entry: Entry, add: Sequence[NewTemplate], remove: Sequence[int]) -> Subject:
        keep_crops = self._content.info.keep_crops
        for template_id in set(remove):
            del entry.made_of[template_id]
        records = [record for record in entry.subject.templates if record.template_id not in remove]
        for template in add:
            kept = template if keep_crops else replace(template, crop=None)
            template_id = self._memory.tick()
            entry.made_of[template_id] = kept
            records.append(
                TemplateRecord(
                    template_id,
                    kept.ood_score,
                    kept.model_id,
                    kept.source_hash,
                    datetime.now(UTC),
                    kept.crop is not None,
                    kept.token,
                )
            )
        entry.subject = replace(
            entry.subject, templates=tuple(records), version=self._memory.tick()
        )
        return entry.subject


class FakeGalleryStore:
    """See :class:`ood_face.ports.GalleryStore`; keeps everything in the memory it is given."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._memory = Memory() if memory is None else memory
        self._closed = False

    def create(self, info: GalleryInfo) -> FakeGallery:
        with self._memory.lock:
            galleries = self._galleries()
            if info.name in galleries:
                raise refusals.duplicate_gallery(info.name)
            content = Content(replace(info, version=self._memory.tick()))
            galleries[info.name] = content
            return FakeGallery(self._memory, content)

    def open(self, name: str) -> FakeGallery:
        return FakeGallery(self._memory, self._content(name))

    def galleries(self) -> list[GalleryInfo]:
        return [content.info for _, content in sorted(self._galleries().items())]

    def update(self, info: GalleryInfo, if_version: int | None = None) -> GalleryInfo:
        with self._memory.lock:
            content = self._content(info.name)
            refusals.check_version(info.name, content.info.version, if_version)
            content.info = replace(
                content.info,
                scenario=info.scenario,
                calibration=info.calibration,
                max_templates=info.max_templates,
                keep_crops=info.keep_crops,
                version=self._memory.tick(),
            )
            if not info.keep_crops:
                for entry in content.entries.values():
                    _forget_crops(entry)
            return content.info

    def delete(self, name: str, if_version: int | None = None) -> None:
        with self._memory.lock:
            content = self._content(name)
            refusals.check_version(name, content.info.version, if_version)
            content.deleted = True
            del self._memory.galleries[name]

    def close(self) -> None:
        self._closed = True

    def _galleries(self) -> dict[str, Content]:
        if self._closed:
            raise BackendError("fake.closed", "the store is closed")
        return self._memory.galleries

    def _content(self, name: str) -> Content:
        if name not in self._galleries():
            raise refusals.no_gallery(name)
        return self._memory.galleries[name]


def _forget_crops(entry: Entry) -> None:
    entry.made_of = {key: replace(made, crop=None) for key, made in entry.made_of.items()}
    records = tuple(replace(record, has_crop=False) for record in entry.subject.templates)
    entry.subject = replace(entry.subject, templates=records)
