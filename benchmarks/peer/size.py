"""How much is run: in full, or a little of everything to see that it works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Counts of crystals, rounds and epochs.

    Attributes:
        batch, batches: crystals in a batch; different batches, which rounds go through.
        rounds: of throughput and graph building; every contender has a turn in each.
        threads: CPU threads that throughput is measured with.
        contenders: what their names in throughput contain, alignn on its own graph aside.
        built: crystals whose graphs are built.
        loaded: crystals of the data set that is opened.
        train, validation, epochs, commands: of each one's own command; how often it is run.
        memory_steps: of training, whose peak memory is read.
        curve_batch, curve_steps: of the learning curves that are compared.
    """

    batch: int = 64
    batches: int = 3
    rounds: int = 6
    threads: tuple[int, ...] = (1, 2)
    contenders: str = ""
    built: int = 400
    loaded: int = 7140
    train: int = 320
    validation: int = 64
    epochs: int = 4
    commands: int = 3
    memory_steps: int = 6
    curve_batch: int = 16
    curve_steps: int = 50


FULL = Size()
QUICK = Size(
    batch=8,
    batches=1,
    rounds=2,
    threads=(1,),
    built=20,
    loaded=128,
    train=16,
    validation=8,
    epochs=2,
    commands=1,
    memory_steps=2,
    curve_batch=4,
    curve_steps=5,
)
