"""An effect that answers in the range of networks."""

from artgan.api import Effect, hookimpl


@hookimpl
def artgan_effects():
    yield Effect("network-range", ":build", summary="changes nothing but the range")


def build(options):
    return lambda images: images * 2 - 1
