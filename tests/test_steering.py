import pytest

from artgan.api import Action, ComponentError, ConfigError
from artgan.config import TrainConfig
from artgan.control import join
from artgan.registry import Registry
from artgan.steering import Steering, named_policies, rate_factor

REGISTRY = Registry(entry_points=[])


def config(**settings):
    return TrainConfig.model_validate({"images": "x", **settings})


def steering(**settings):
    return Steering.build(config(**settings), REGISTRY, lambda entry: None)


# Schedule


def test_rates_hold_and_then_fall_along_half_a_cosine():
    factors = [rate_factor(n, 1000, 0.4) for n in (0, 600, 800, 1000, 2000)]
    assert factors == pytest.approx([1.0, 1.0, 0.5, 0.01, 0.01])


@pytest.mark.parametrize(("total", "decay"), [(None, 0.5), (1000, None), (1000, 0.0)])
def test_without_a_length_or_a_decay_rates_hold(total, decay):
    assert rate_factor(999, total, decay) == 1.0


# Joining


def test_rates_multiply_and_both_must_agree_that_d_learns():
    joined = join([Action(d_rate=0.5, g_rate=2.0), Action(train_d=False, d_rate=0.5)])
    assert (joined.d_rate, joined.g_rate, joined.train_d, joined.train_g) == (
        0.25,
        2.0,
        False,
        True,
    )


def test_the_last_strength_wins_and_a_rollback_overrides_an_end():
    joined = join(
        [Action(strength=0.1, stop="enough"), Action(strength=0.7, rollback="good"), Action()]
    )
    assert joined.strength == 0.7
    assert joined.rollback == "good"
    assert joined.stop == ""


# Choosing


def test_policies_are_asked_in_the_order_of_their_roles():
    settings = config(policies=("ada", "adaptive"), augmentations=("diffaugment",))
    names = [entry.record.name for entry, _ in named_policies(settings, REGISTRY)]
    assert names == ["adaptive", "ada", "doctor"]


def test_a_doctor_that_is_off_is_not_there():
    assert named_policies(config(policies=("ttur",), doctor="off"), REGISTRY)[-1][
        0
    ].record.name == ("ttur")


def test_two_of_one_role_are_refused():
    with pytest.raises(ConfigError, match="both look after the balance of the networks"):
        named_policies(config(policies=("ttur", "skip-d")), REGISTRY)


@pytest.mark.parametrize("objective", ["relativistic-hinge", "wasserstein"])
def test_skip_d_refuses_losses_that_it_cannot_read_and_says_what_would_work(objective):
    with pytest.raises(ConfigError) as caught:
        named_policies(config(policies=("skip-d",), objective=objective), REGISTRY)
    assert str(caught.value) == (
        "policy 'skip-d' judges by the discriminator's loss, which says nothing with objective "
        f"'{objective}': use --policy adaptive, which reads the margin, or one of the objectives "
        "non-saturating, hinge, least-squares, relativistic-logistic"
    )


def test_an_unknown_policy_is_named():
    with pytest.raises(ComponentError, match="no policie 'ttru'|no policy 'ttru'"):
        named_policies(config(policies=("ttru",)), REGISTRY)


# Asking


def ask(steered, **values):
    steered.after_step(values, cur_nimg=32, total_nimg=None, batch=32, sound=True)


def test_what_policies_ask_for_holds_for_the_next_step():
    steered = steering(policies=("ttur",))
    ask(steered)
    assert (steered.action.d_rate, steered.action.g_rate) == (2.0, 0.5)


def test_strength_is_kept_and_moved():
    steered = steering(policies=("ada",), augmentations=("diffaugment",), strength=0.5)
    for _ in range(4):
        ask(steered, sign_accuracy=1.0)
    assert steered.strength > 0.5


def test_who_watches_only_is_not_obeyed():
    steered = steering(doctor="watch")
    for _ in range(3):
        steered.after_step({}, cur_nimg=32, total_nimg=None, batch=32, sound=False)
    assert not steered.acted
    acting = steering(doctor="act")
    for _ in range(3):
        acting.after_step({}, cur_nimg=32, total_nimg=None, batch=32, sound=False)
    assert acting.acted


def test_state_goes_on_where_it_was():
    settings = {"policies": ("skip-d", "ada"), "augmentations": ("diffaugment",)}
    one, other = steering(**settings), steering(**settings)
    for i in range(9):
        ask(one, **{"D/adversarial": 0.1 * i, "sign_accuracy": 0.9, "G/gradient": 1.0})
    other.restore(one.state(), rolled_back=False)
    assert other.state() == one.state()
    for steered in (one, other):
        ask(steered, **{"D/adversarial": 0.01, "sign_accuracy": 0.2})
    assert other.state() == one.state()


def test_after_a_rollback_the_rates_that_were_asked_for_hold():
    steered = steering(strength=0.3)
    before = steered.state()
    for _ in range(3):
        steered.after_step({}, cur_nimg=32, total_nimg=None, batch=32, sound=False)
    steered.restore(before, rolled_back=True)
    assert steered.action.d_rate == 0.5
    assert steered.action.rollback is None
    assert steered.strength == 0.3
