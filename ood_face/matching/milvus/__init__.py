"""Galleries past one machine: Milvus."""
