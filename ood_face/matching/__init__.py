"""Matching: what a similarity and two quality scores lead to."""

from ood_face.matching.decision import compare_templates, decide
from ood_face.matching.scenarios import load_scenarios

__all__ = ["compare_templates", "decide", "load_scenarios"]
