"""Pipelines: linear functions, config -> result or Frames. They do not import each other."""
