"""Importers: networks trained elsewhere become model folders of the manifest."""
