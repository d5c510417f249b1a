"""A plug-in whose record cannot be read without torch."""

import torch

from artgan.api import Effect, hookimpl


@hookimpl
def artgan_effects():
    yield Effect("heavy", ":build", summary="brightness from left to right turned around")


def build(options):
    return lambda images: torch.flip(images, (3,))
