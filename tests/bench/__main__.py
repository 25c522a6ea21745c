"""``python -m tests.bench [NAME]``: run all benches, or one."""

import sys

from tests.bench import intake, log, path, push, reading, recall, resume, session

BENCHES = {
    "path": path.main,
    "intake": intake.main,
    "push": push.main,
    "reading": reading.main,
    "session": session.main,
    "resume": resume.main,
    "recall": recall.main,
}
ONLY_BY_NAME = {
    "session_long": session.main_long,  # takes most of an hour
    "log": log.main,  # writes 6 GB into the directory for temporary files
}


def main(names: list[str]) -> None:
    """Run the benches that are named, or all."""
    known = BENCHES | ONLY_BY_NAME
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"there is no bench {', '.join(unknown)}; there are: {', '.join(known)}")
    for name in names or BENCHES:
        known[name]()


main(sys.argv[1:])
