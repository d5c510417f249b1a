"""Policies: what watches training and acts on it."""
