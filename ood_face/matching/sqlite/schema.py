"""The tables of the galleries."""

from __future__ import annotations

__all__ = ["MIGRATIONS", "PAGE_SIZE"]

# three features fit on a page; on the usual 4096 bytes it would be one
PAGE_SIZE = 8192

# A gallery, a subject and a template are numbered by the clock, so that no number comes twice, not
# even after an older backup was restored. Times are microseconds since 1970, UTC.
#
# Features and crops have tables of their own: lists and counts never read them, and all rows of a
# table being equally long, SQLite overwrites them completely when they go (see residue.py).
_FIRST = """
CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL
);
INSERT INTO clock (one, last) VALUES (1, 0);
CREATE TABLE galleries (
    gallery INTEGER PRIMARY KEY,
    -- NULL: deleted, and being erased
    name TEXT UNIQUE,
    model_id TEXT NOT NULL,
    scenario TEXT NOT NULL,
    max_templates INTEGER NOT NULL,
    keep_crops INTEGER NOT NULL,
    -- crops of templates before this one count as erased
    crops_since INTEGER NOT NULL DEFAULT 0,
    -- 1: there may still be such crops
    erasing_crops INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL,
    key_hash TEXT,
    body_hash TEXT
);
CREATE TABLE subjects (
    subject INTEGER PRIMARY KEY,
    gallery INTEGER NOT NULL REFERENCES galleries (gallery),
    subject_id TEXT NOT NULL,
    name TEXT,
    metadata TEXT NOT NULL,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL,
    key_hash TEXT,
    body_hash TEXT
);
CREATE UNIQUE INDEX subjects_by_id ON subjects (gallery, subject_id);
CREATE INDEX subjects_by_key ON subjects (gallery, key_hash) WHERE key_hash IS NOT NULL;
CREATE TABLE templates (
    template INTEGER PRIMARY KEY,
    gallery INTEGER NOT NULL REFERENCES galleries (gallery),
    subject INTEGER NOT NULL REFERENCES subjects (subject) ON DELETE CASCADE,
    model_id TEXT NOT NULL,
    ood_score REAL,
    source_hash TEXT NOT NULL,
    created INTEGER NOT NULL,
    key_hash TEXT,
    body_hash TEXT
);
CREATE INDEX templates_by_gallery ON templates (gallery);
CREATE INDEX templates_by_subject ON templates (subject);
CREATE INDEX templates_by_key ON templates (gallery, key_hash) WHERE key_hash IS NOT NULL;
CREATE TABLE features (
    template INTEGER PRIMARY KEY REFERENCES templates (template) ON DELETE CASCADE,
    -- 512 little-endian float32
    feature BLOB NOT NULL CHECK (length(feature) = 2048)
);
CREATE TABLE crops (
    template INTEGER PRIMARY KEY REFERENCES templates (template) ON DELETE CASCADE,
    -- 112 x 112 x 3 bytes, RGB
    pixels BLOB NOT NULL CHECK (length(pixels) = 37632)
);
"""

# NULL: as the scenario says
_CALIBRATION = "ALTER TABLE galleries ADD COLUMN calibration TEXT;"

MIGRATIONS = (_FIRST, _CALIBRATION)
