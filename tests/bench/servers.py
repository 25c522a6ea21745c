"""The servers of a bench, in a process of their own, so that they do not share an interpreter with what is measured.

``python -m tests.bench.servers COUNT SECONDS`` serves a mailbox with COUNT mails and a stand-in that takes SECONDS
for each answer; it prints one JSON line with the ports, and after that one with the number of API calls for each
line that it reads.
"""

import json
import sys
import time

from daemon.rehearsal.mailserver import MailServer
from daemon.rehearsal.model import Answer, Body, StandIn
from daemon.rehearsal.rules import decide
from tests.bed import PASSWORD, USER, mail

BODY = "Dear team,\n\n" + "our machine makes a noise that it did not make before, and we wonder why. " * 20 + "\n\nAda?"


def serve(count: int, seconds: float) -> None:
    """Serve until the standard input ends."""

    def think(body: Body) -> Answer:
        time.sleep(seconds)
        return decide(body)

    with MailServer(USER, PASSWORD) as server, StandIn(think) as model:
        for number in range(count):
            server.deliver(mail(f"Question {number}", BODY, f"Person {number} <p{number}@quill.example>"))
        print(json.dumps({"imap": server.imap_port, "api": model.port}), flush=True)
        for _line in sys.stdin:
            print(json.dumps({"calls": len(model.seen)}), flush=True)
            model.seen.clear()


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]))
