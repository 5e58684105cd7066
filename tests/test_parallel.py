"""Work that is shared among processes is the same work."""

import math

from trialsmith.parallel import mapped


def test_several_processes_give_the_results_in_order() -> None:
    items = list(range(50))
    here = mapped(math.sqrt, items, "roots", seconds=0.0)
    there = mapped(math.sqrt, items, "roots", seconds=60.0)  # said to be slow: worth processes
    assert here == there == [math.sqrt(item) for item in items]
    assert mapped(math.sqrt, [], "nothing", seconds=60.0) == []
