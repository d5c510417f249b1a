"""A policy that remembers more than it saves."""

from artgan.api import Action, Policy, hookimpl


@hookimpl
def artgan_policies():
    yield Policy("forgetful", ":Forgetful", summary="slows D down as time goes by")


class Forgetful:
    def __init__(self, options, *, objective):
        self.steps = 0

    def observe(self, stats):
        self.steps += 1
        return Action(d_rate=1 / self.steps)

    def state(self):
        return {}

    def restore(self, state, *, rolled_back):
        self.steps = 0
