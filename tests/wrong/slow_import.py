"""A plug-in that works while it is imported, so that every command waits."""

import time

from artgan.api import Effect, hookimpl

time.sleep(1.05)


@hookimpl
def artgan_effects():
    yield Effect("late", ":build", summary="changes nothing")


def build(options):
    return lambda images: images.clone()
