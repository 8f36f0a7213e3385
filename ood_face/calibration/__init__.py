"""Calibration: numbers that keep their word, fitted on data that trained nothing."""
