"""SIGTERM ends a block in order, whatever is caught inside."""

import signal
import threading

import pytest
import typer

from artgan.cli.stopping import terminable


def test_nothing_inside_takes_it_for_a_failure():
    ended = []
    before = signal.getsignal(signal.SIGTERM)

    def work():
        try:
            signal.raise_signal(signal.SIGTERM)
        except Exception:  # as an encoder or a plug-in may
            ended.append("swallowed")
        finally:
            ended.append("cleaned")

    with pytest.raises(typer.Exit) as caught, terminable():
        work()
    assert caught.value.exit_code == 143
    assert ended == ["cleaned"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_interrupt_stays_one():
    with pytest.raises(KeyboardInterrupt), terminable():
        raise KeyboardInterrupt


def test_other_threads_have_no_signals():
    ran = []

    def work():
        with terminable():
            ran.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran == [1]
