"""A regularizer whose values are numbers without a graph: nothing is learnt from it."""

from artgan.api import Regularizer, Term, hookimpl


@hookimpl
def artgan_regularizers():
    yield Regularizer("deaf", ":build", summary="keeps logits near 0, it says")


def build(options):
    def compute(batch):
        (logits, *_) = batch.real_logits
        return {"drift": logits.detach().square() + 0 * logits}

    return Term("D", compute, needs=frozenset({"reals"}))
