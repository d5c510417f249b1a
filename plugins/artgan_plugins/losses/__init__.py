"""Losses of pictures: each relative to its target, so that a weight means the same anywhere."""
