"""A sampler that divides by the distance of two keys, which may be none."""

from artgan.api import Sampler, hookimpl


@hookimpl
def artgan_samplers():
    yield Sampler("divides", ":build", summary="at an even pace, it says", keyed=False)


def build(options):
    def path(keys, u):
        if len(keys) == 1:
            return keys.expand(len(u), -1)
        pace = 1 / (keys[1] - keys[0]).norm()
        share = (1 - (2 * u - 1).abs())[:, None]
        return keys[0] + share * (keys[1] - keys[0]) * pace

    return path
