"""An objective for which a high logit means a fake."""

from artgan.api import Adversarial, Objective, hookimpl


@hookimpl
def artgan_objectives():
    yield Objective("upside-down", ":build", summary="squared distance to 0 (real) and 1 (fake)")


def build(options):
    return Adversarial.of(
        lambda real, fake: real.square() + (fake - 1).square(),
        lambda fake: fake.square(),
        margin=lambda real, fake: 0.5 - real,
    )
