"""Figures of merit: verification, out-of-distribution detection, error versus discard."""
