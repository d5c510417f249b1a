"""An objective that looks at all fakes of a batch, and does not say so in its record."""

from artgan.api import Adversarial, Objective, hookimpl


@hookimpl
def artgan_objectives():
    yield Objective("against-the-mean", ":build", summary="reals against the mean fake")


def build(options):
    return Adversarial.of(
        lambda real, fake: (real - fake.mean() - 1).square() + fake.square(),
        lambda fake: (fake - 1).square(),
        margin=lambda real, fake: real,
    )
