"""Signals that ask to stop."""

import os
import signal

import pytest

from trialsmith.search.signals import SIGNALS, StopSignals


@pytest.fixture
def default_hangup():
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
    with StopSignals():  # as a search that begins: nobody has asked it to stop
        pass


@pytest.mark.usefixtures("default_hangup")
@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_the_second_acts_as_ever(number):
    before = [signal.getsignal(other) for other in SIGNALS]
    with StopSignals() as signals:
        assert signals.received is None
        os.kill(os.getpid(), number)
        assert signals.received == number
        assert [signal.getsignal(other) for other in SIGNALS] == before


@pytest.mark.usefixtures("default_hangup")
def test_nohup_is_heeded():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        assert signals.received is None
