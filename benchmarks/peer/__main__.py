"""Speed, memory and numbers beside the published package: `make bench-peer`.

python -m benchmarks.peer                           all of it, for one to two hours
python -m benchmarks.peer --quick                   a little of all, to see that it works
python -m benchmarks.peer --only throughput memory
"""

import argparse
import sys
import time
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec

# module, and the heading of its tables
PARTS = {
    "throughput": "Training, structures/s: × alignn on its own graph · × alignn on our full graph",
    "product_limit": "Share of the machine's limit for products",
    "epoch": "Whole epochs by each one's own command",
    "building": "Graph building from parsed structures, one thread",
    "loading": "Opening a data set, reading batches",
    "memory": "Peak memory of training, above the imports (in all) · share of alignn's two",
    "agreement": "Same weights, same graph: largest differences in fp32",
}


def main() -> None:
    arguments = parse()
    if find_spec("alignn") is None:
        sys.exit("the published alignn is not installed here: run make bench-peer")
    from benchmarks.peer.machine import description
    from benchmarks.peer.size import FULL, QUICK

    size = QUICK if arguments.quick else FULL
    if arguments.rounds is not None:
        size = replace(size, rounds=arguments.rounds, commands=min(size.commands, arguments.rounds))
    print("# A quick run: its figures mean nothing\n" if arguments.quick else "# Beside alignn\n")
    print(description(), flush=True)
    if arguments.threads is not None:
        size = replace(size, threads=tuple(arguments.threads))
    size = replace(size, contenders=arguments.contenders)
    for part in arguments.only:
        began = time.perf_counter()
        table = import_module(f"benchmarks.peer.{part}").report(size)
        print(f"\n## {PARTS[part]}\n\n{table}", flush=True)
        print(f"\n{part}: {time.perf_counter() - began:.0f} s", file=sys.stderr)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a little of all; means nothing")
    parser.add_argument("--rounds", type=int, help="turns of each contender; 6 in full")
    parser.add_argument("--threads", type=int, nargs="+", help="of throughput and its limit")
    parser.add_argument(
        "--contenders", default="", help="of throughput: those alone whose names contain it"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
