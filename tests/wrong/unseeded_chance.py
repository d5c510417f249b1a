"""An augmentation that rolls dice of its own."""

import random as dice

from artgan.api import Augmentation, hookimpl


@hookimpl
def artgan_augmentations():
    yield Augmentation("dicey", ":build", summary="all pictures lighter or darker")


def build(options):
    def augment(pictures, *, strength, cur_nimg, random):
        light = strength * (dice.random() - 0.5)
        return tuple(scale + light for scale in pictures)

    return augment
