"""Paths through latents: pure functions of keys and position."""
