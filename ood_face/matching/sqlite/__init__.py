"""Galleries of one machine: SQLite is the truth, a FAISS index its cache."""
