"""How many mails a second are read in the worker and screened, over the generated corpus."""

import time

from daemon.judgement.screening import screen
from daemon.mail.reader import Reader, ReadingLimits
from tests.bench.corpus import corpus
from tests.bench.rows import Row, report

COUNT, ROUNDS = 2_000, 3
OWN = frozenset({"support@harbourpine.example"})


def main() -> None:
    """Measure, print and keep the row."""
    rates = []
    for number in range(ROUNDS):
        mails = list(corpus(COUNT, seed=number))
        reader = Reader(ReadingLimits(longest_text=20_000))
        reader.read(mails[0])  # the worker's start is paid once in its life
        begun = time.perf_counter()
        for raw in mails:
            screen(reader.read(raw), OWN)
        rates.append(COUNT / (time.perf_counter() - begun))
        reader.close()
    note = f"{COUNT} mails, best of {ROUNDS}; one worker, one mail at a time"
    report([Row("reading: read and screened", max(rates), "mails/s", "-", note)])
