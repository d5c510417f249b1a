"""Pipelines in a file: read, joined, looked at, and made, stage by stage."""
