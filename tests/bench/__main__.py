"""``python -m tests.bench [NAME]``: run all benches, or one."""

import sys

from tests.bench import intake, path, push, reading, session

BENCHES = {
    "path": path.main,
    "intake": intake.main,
    "push": push.main,
    "reading": reading.main,
    "session": session.main,
}


def main(names: list[str]) -> None:
    """Run the benches that are named, or all."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"there is no bench {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
    for name in names or BENCHES:
        BENCHES[name]()


main(sys.argv[1:])
