"""Output that is read while it is written."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from trialsmith.command import output
from trialsmith.command.output import Tail, last_lines

TEXTS = st.lists(st.text("ab é", max_size=9), max_size=9)


@given(TEXTS, st.lists(st.integers(0, 60), max_size=5), st.sampled_from(["\n", "\r", "\r\n"]))
def test_lines_are_the_same_however_the_file_grows(tmp_path_factory, lines, cuts, end):
    path = tmp_path_factory.mktemp("tail") / "out"
    content = end.join(lines).encode()
    path.touch()
    found = []
    with Tail(path) as tail, path.open("ab", buffering=0) as file:
        for begin, stop in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True):
            file.write(content[begin:stop])
            found += tail.lines()
        found += tail.remaining()
    assert [line.strip("\r\n") for line in found if line.strip("\r\n")] == [x for x in lines if x]


def test_a_line_without_end_is_never_held_whole(tmp_path):
    path = tmp_path / "out"
    with path.open("wb") as file:
        for _ in range(24):
            file.write(b"x" * output.CHUNK)
        file.write(b"\nscore: 1\n")
    tracemalloc.start()
    with Tail(path) as tail:
        last = [line for line in tail.remaining() if "score" in line]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert last == ["score: 1\n"]
    assert peak < 8 * output.CHUNK


def test_the_last_lines_of_a_file(tmp_path):
    path = tmp_path / "out"
    lines = [*(f"line {k}" for k in range(100_000)), "", "z" * 3000, "end", ""]
    path.write_text("\n".join(lines))
    assert last_lines(path, 2) == ["z" * 200, "end"]
    assert last_lines(path, 40)[0].startswith("line 99")
    path.write_text("")
    assert last_lines(path) == []
