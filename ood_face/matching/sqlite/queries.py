"""The queries that read whole rows, in the order of columns that ``rows.py`` expects."""

from __future__ import annotations

__all__ = [
    "ALL_GALLERIES",
    "ENROLLED_SUBJECTS",
    "GALLERY_BY_NAME",
    "GALLERY_BY_NUMBER",
    "NEXT_SUBJECTS",
    "SUBJECT_BY_ID",
    "SUBJECT_BY_NUMBER",
    "TEMPLATES_OF",
]

ALL_GALLERIES = (
    "SELECT name, model_id, scenario, calibration, max_templates, keep_crops, created, version, "
    "key_hash, body_hash FROM galleries WHERE name IS NOT NULL ORDER BY name"
)
GALLERY_BY_NAME = (
    "SELECT gallery, name, model_id, scenario, calibration, max_templates, keep_crops, created, "
    "version, key_hash, body_hash FROM galleries WHERE name = CAST(? AS TEXT)"
)
GALLERY_BY_NUMBER = (
    "SELECT name, model_id, scenario, calibration, max_templates, keep_crops, created, version, "
    "key_hash, body_hash FROM galleries WHERE gallery = ? AND name IS NOT NULL"
)
SUBJECT_BY_ID = (
    "SELECT subject, subject_id, name, metadata, created, version, key_hash, body_hash "
    "FROM subjects WHERE gallery = ? AND subject_id = CAST(? AS TEXT)"
)
SUBJECT_BY_NUMBER = (
    "SELECT subject, subject_id, name, metadata, created, version, key_hash, body_hash "
    "FROM subjects WHERE subject = ?"
)
NEXT_SUBJECTS = (
    "SELECT subject, subject_id, name, metadata, created, version, key_hash, body_hash "
    "FROM subjects WHERE gallery = ? AND subject_id > CAST(? AS TEXT) "
    "ORDER BY subject_id LIMIT ?"
)
ENROLLED_SUBJECTS = (
    "SELECT subject, subject_id, name, metadata, created, version, key_hash, body_hash "
    "FROM subjects WHERE gallery = ? AND subject_id IN (SELECT value FROM json_each(?))"
)
# the gallery says since when crops count; there may be older ones that are being erased
TEMPLATES_OF = (
    "SELECT subject, templates.template, ood_score, templates.model_id, source_hash, "
    "templates.created, templates.key_hash, templates.body_hash, "
    "templates.template >= crops_since "
    "AND EXISTS (SELECT 1 FROM crops WHERE crops.template = templates.template) "
    "FROM templates JOIN galleries USING (gallery) "
    "WHERE subject IN (SELECT value FROM json_each(?)) ORDER BY templates.template"
)
