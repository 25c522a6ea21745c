"""The reading child: whatever a mail does to it, the daemon gets a Message or an error, and the next mail is read."""

import base64
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon.errors import PermanentError, TransientError
from daemon.mail import reader as reading
from daemon.mail.parse import parse
from daemon.mail.reader import COMMAND, Reader, ReadingLimits
from daemon.rehearsal.mails import SAMPLE

MIB = 1 << 20
PATIENCE = 30.0
LIMITS = ReadingLimits(longest_text=20_000, seconds=1.0, memory=300 * MIB)
MAIL = (
    b"From: Ada <ada@quill.example>\r\nSubject: Kettle\r\nDate: Tue, 3 Mar 2026 10:00:00 +0100\r\n\r\nIt is broken.\r\n"
)

# The worker with a parser that does whatever the mail says: a child that a mail has taken over.
OBEDIENT = """
import os, resource, signal, sys, time
from daemon.judgement.message import Message
from daemon.mail import worker

def obey(raw, longest_text, *, attachments_text):
    names = {"attachments_text": attachments_text, "answer": ""}
    exec(raw.decode(), globals(), names)
    return Message("", "", (), str(names["answer"]))

worker.parse = obey
worker.main()
"""

# A child without any of our code, which keeps to the protocol until it has the mail.
STRANGER = """
import os, struct, sys, time
os.write(1, struct.pack("!BI", 1, 0))
wanted, size = struct.unpack("!?Q", sys.stdin.buffer.read(9))
sys.stdin.buffer.read(size)
"""


@pytest.fixture
def reader_of() -> Iterator[Callable[..., Reader]]:
    """Make readers that are closed at the end; the program is one for ``python -c``."""
    with contextlib.ExitStack() as stack:

        def make(program: str = "", limits: ReadingLimits = LIMITS) -> Reader:
            command = (sys.executable, "-c", program) if program else COMMAND
            reader = Reader(limits, command)
            stack.callback(reader.close)
            return reader

        yield make


def children() -> set[int]:
    """List the processes whose parent is this one, the unreaped among them."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[1]) == os.getpid():
                found.add(int(entry.parent.name))
    return found


def descriptors() -> int:
    """Count this process's open files."""
    return len(list(Path("/proc/self/fd").iterdir()))


def is_gone(pid: int) -> bool:
    """Wait until a process has ended, or is a zombie that its new parent has yet to reap."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_it_reads_a_mail_as_the_parser_does(reader_of: Callable[..., Reader]) -> None:
    """Nothing of a message is lost or changed on its way through the pipe."""
    assert reader_of().read(MAIL) == parse(MAIL, LIMITS.longest_text)


def test_it_reads_every_sample_as_the_parser_does(reader_of: Callable[..., Reader]) -> None:
    """The mails of the rehearsal come back equal, one after the other from one child."""
    reader, mails = reader_of(), [path.read_bytes() for path in sorted(SAMPLE.glob("*.eml"))]
    assert [reader.read(raw) for raw in mails] == [parse(raw, LIMITS.longest_text) for raw in mails]


def test_it_starts_no_process_before_the_first_mail(reader_of: Callable[..., Reader]) -> None:
    """A reader that is never asked costs nothing."""
    before = children()
    reader_of()
    assert children() == before


def test_it_reads_many_mails_with_one_process(reader_of: Callable[..., Reader]) -> None:
    """The start of the interpreter is paid once, not for each mail."""
    reader = reader_of(OBEDIENT)
    assert reader.read(b"answer = os.getpid()") == reader.read(b"answer = os.getpid() # again")


def test_it_changes_the_process_after_its_share_of_mails(
    reader_of: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a mail has left behind in the child does not stay for ever."""
    monkeypatch.setattr(reading, "MAILS_PER_CHILD", 2)
    reader = reader_of(OBEDIENT)
    pids = [reader.read(b"answer = os.getpid() # %d" % number).text for number in range(4)]
    assert [pids[0] == pids[1], pids[1] == pids[2], pids[2] == pids[3]] == [True, False, True]


def test_it_remembers_a_mail_it_has_just_read(reader_of: Callable[..., Reader]) -> None:
    """The second reading of the same bytes does not ask the child."""
    reader = reader_of(OBEDIENT)
    assert reader.read(b"answer = time.monotonic()") == reader.read(b"answer = time.monotonic()")


TRAPS = {
    "spins": b"while True: pass",
    "sleeps": b"time.sleep(3600)",
    "is killed": b"os.kill(os.getpid(), signal.SIGKILL)",
    "ends": b"os._exit(0)",
    "takes more memory than there is": b"bytearray(1 << 40)",
    "takes the memory piece by piece": b"pieces = [bytearray(1 << 20) for _ in range(4096)]",
    "lacks the memory in the parser": b"""
from daemon.errors import PermanentError
raise PermanentError("the parser's words") from MemoryError()""",
    "raises what nobody expects": b"raise KeyError(1)",
    "answers what is no text": rb"answer = '\ud800'",
    "answers too much": b"answer = 'x' * 9_000_000",
    "starts a process that holds the pipes open": b"""
if os.fork() == 0: time.sleep(3600)
os._exit(0)""",
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS.keys())
def test_it_gives_up_a_mail_that_fails_twice_and_reads_the_next(reader_of: Callable[..., Reader], trap: bytes) -> None:
    """The error names the limits, so that a person understands why it is held; those behind it are not stalled."""
    reader = reader_of(OBEDIENT)
    with pytest.raises(PermanentError, match="cannot be read within the limits of time and memory"):
        reader.read(trap)
    assert reader.read(b"answer = 'read'").text == "read"


@pytest.mark.exhaustive
@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS.keys())
def test_it_reads_a_mail_without_the_attachments_that_were_its_trouble(
    reader_of: Callable[..., Reader], trap: bytes
) -> None:
    """A hostile attachment costs its own text, not the mail."""
    program = b"if attachments_text: exec(%r)\nanswer = 'read'" % trap.decode()
    if trap == TRAPS["answers what is no text"] or trap == TRAPS["answers too much"]:
        program = b"%b\nif not attachments_text: answer = 'read'" % trap
    assert reader_of(OBEDIENT).read(program).text == "read"


STRANGERS = {
    "never reads the mail": STRANGER.partition("wanted")[0] + "time.sleep(3600)",
    "answers without end": STRANGER + "while True: os.write(1, bytes(65536))",
    "announces more than is allowed": STRANGER + "os.write(1, struct.pack('!BI', 2, 1 << 31)); time.sleep(3600)",
    "answers byte by byte": STRANGER
    + "os.write(1, struct.pack('!BI', 2, 5000))\nwhile True: os.write(1, b' '); time.sleep(0.05)",
    "answers half and ends": STRANGER + "os.write(1, struct.pack('!BI', 2, 5000) + b'{')",
    "answers no JSON": STRANGER + "os.write(1, struct.pack('!BI', 2, 3) + b'{]}'); time.sleep(3600)",
    "answers JSON that is no message": STRANGER + "os.write(1, struct.pack('!BI', 2, 2) + b'{}'); time.sleep(3600)",
    "answers of an unknown kind": STRANGER + "os.write(1, struct.pack('!BI', 9, 0)); time.sleep(3600)",
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("program", STRANGERS.values(), ids=STRANGERS.keys())
def test_it_is_not_held_up_by_a_child_that_breaks_the_protocol(reader_of: Callable[..., Reader], program: str) -> None:
    """A mail larger than any pipe and a child that does anything but answer still end in an error."""
    with pytest.raises(PermanentError, match="within the limits"):
        reader_of(program).read(MAIL + bytes(4 * MIB))


def pdf(content: bytes) -> bytes:
    """Write a PDF of one page whose content stream, compressed, is this."""
    stream = zlib.compress(content, 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<</Font<</F 5 0 R>>>>/Contents 4 0 R>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    file, places = b"%PDF-1.4\n", []
    for number, content_of in enumerate(objects, 1):
        places.append(b"%010d 00000 n \n" % len(file))
        file += b"%d 0 obj%b\nendobj\n" % (number, content_of)
    table = b"xref\n0 6\n0000000000 65535 f \n" + b"".join(places)
    return file + table + b"trailer<</Root 1 0 R/Size 6>>\nstartxref\n%d\n" % len(file) + b"%%EOF"


def with_pdf(content: bytes) -> bytes:
    """Write a mail with a line of text and that PDF."""
    return (
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
        b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(pdf(content))
        + b"--b--\r\n"
    )


SAYING = b"BT /F 1 Tf (hello world) Tj ET\n"
# What each takes of the parser without limits, in seconds and MB (measured): 17 KB of mail are enough for the first.
HOSTILE = {
    "a PDF of 8 MB of text operators (over 20 s)": with_pdf(SAYING * 260_000),
    "a PDF that unpacks to 200 MB (145 MB)": with_pdf(b" " * 200_000_000),
    "1,900 From fields of 10,000 brackets (21 s)": (b"From: " + b"<" * 10_000 + b"\r\n") * 1_900 + b"\r\nhello",
    "a million parts (11 s, 320 MB)": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\n\r\n\r\n" * 1_000_000,
    "four million header fields (10 s, 670 MB)": b"X: y\r\n" * 4_000_000 + b"\r\nhello",
    "ten million quoted lines (6 s, 790 MB)": b"From: a@b.example\r\n\r\n" + b">\n" * 10_000_000,
    "a text of quoted-printable line ends (590 MB)": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    + b"=\r\n" * 7_000_000,
    "eight bodies of 20,000 nested elements (4 s)": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + (b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<div>" * 19_990 + b"\r\n") * 8,
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_it_reads_the_next_mail_after_a_hostile_one(reader_of: Callable[..., Reader], raw: bytes) -> None:
    """Whether the real parser read it, refused it or was killed: the queue goes on."""
    reader = reader_of()
    with contextlib.suppress(PermanentError):
        reader.read(raw)
    assert reader.read(MAIL).text == "It is broken."


def test_it_reads_the_text_of_a_mail_whose_pdf_takes_too_long(reader_of: Callable[..., Reader]) -> None:
    """The real parser, killed over the attachment, gives the rest at the second try."""
    message = reader_of().read(with_pdf(SAYING * 260_000))
    assert (message.text, [attachment.text for attachment in message.attachments]) == ("hello", [""])


def test_it_hands_on_the_words_of_the_parser_without_a_second_try(reader_of: Callable[..., Reader]) -> None:
    """What the parser refuses it would refuse again."""
    raw = b"""
from daemon.errors import PermanentError
raise PermanentError(f"refused, attachments_text={attachments_text}")"""
    with pytest.raises(PermanentError, match=r"^refused, attachments_text=True$"):
        reader_of(OBEDIENT).read(raw)


def test_it_does_not_blame_the_mail_when_the_child_cannot_start(reader_of: Callable[..., Reader]) -> None:
    """With a broken installation every mail would be held otherwise."""
    with pytest.raises(TransientError, match="cannot be started"):
        reader_of("raise SystemExit(1)").read(MAIL)


def test_it_does_not_blame_the_mail_when_there_is_no_such_program() -> None:
    """The interpreter may be gone for a moment while the service is upgraded."""
    reader = Reader(LIMITS, ("/nowhere/python",))
    with pytest.raises(TransientError, match="cannot be started"):
        reader.read(MAIL)
    reader.close()


def test_it_reads_on_in_full_when_the_child_died_between_two_mails(reader_of: Callable[..., Reader]) -> None:
    """A child that was killed from outside costs the next mail nothing, not even its attachments."""
    reader = reader_of(OBEDIENT)
    pid = int(reader.read(b"answer = os.getpid()").text)
    os.kill(pid, signal.SIGKILL)
    assert is_gone(pid)
    assert reader.read(b"answer = attachments_text").text == "True"


def test_it_reads_on_in_full_when_the_thread_that_read_first_has_ended(reader_of: Callable[..., Reader]) -> None:
    """The kernel would kill the child with the thread that started it."""
    reader = reader_of(OBEDIENT)
    pids: list[str] = []
    first = threading.Thread(target=lambda: pids.append(reader.read(b"answer = os.getpid()").text))
    first.start()
    first.join()
    while Path(f"/proc/self/task/{first.native_id}").exists():
        time.sleep(0.01)
    assert reader.read(b"answer = os.getpid() # again").text == pids[0]


def test_it_reads_for_many_threads_at_once(reader_of: Callable[..., Reader]) -> None:
    """Each thread gets the answer to its own mail."""
    reader = reader_of(OBEDIENT)
    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        answers[number] = reader.read(b"answer = %d" % number).text

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == {number: str(number) for number in range(20)}


@pytest.mark.exhaustive
def test_it_leaves_no_process_behind_after_kills(reader_of: Callable[..., Reader]) -> None:
    """Three mails, six kills, no zombie: only the child at hand is there."""
    before = children()
    reader = reader_of(OBEDIENT, ReadingLimits(LIMITS.longest_text, seconds=0.2, memory=LIMITS.memory))
    for number in range(3):
        with pytest.raises(PermanentError):
            reader.read(b"time.sleep(%d)" % (3600 + number))
    pid = int(reader.read(b"answer = os.getpid()").text)
    assert children() - before == {pid}


@pytest.mark.exhaustive
def test_it_leaks_no_descriptor_over_kills(reader_of: Callable[..., Reader]) -> None:
    """The pipes of a child that was killed are closed with it."""
    reader = reader_of(OBEDIENT, ReadingLimits(LIMITS.longest_text, seconds=0.2, memory=LIMITS.memory))
    reader.read(b"pass")
    before = descriptors()
    for number in range(3):
        with pytest.raises(PermanentError):
            reader.read(b"time.sleep(%d)" % (3600 + number))
    reader.read(b"pass # again")
    assert descriptors() == before


def test_it_leaves_nothing_behind_when_closed() -> None:
    """Process and pipes are gone when close returns, and closing twice does no harm."""
    before = children(), descriptors()
    reader = Reader(LIMITS)
    reader.read(MAIL)
    reader.close()
    reader.close()
    assert (children(), descriptors()) == before


def test_it_lets_nobody_wait_for_a_reader_that_is_closed(reader_of: Callable[..., Reader]) -> None:
    """The mail at hand and the one behind it end at once, and not as if the mails were at fault."""
    reader = reader_of(OBEDIENT, ReadingLimits(LIMITS.longest_text, seconds=3600.0, memory=LIMITS.memory))
    reader.read(b"pass")
    kinds: list[str] = []

    def ask(raw: bytes) -> None:
        try:
            reader.read(raw)
        except TransientError as error:
            kinds.append(error.kind)

    threads = [threading.Thread(target=ask, args=(b"time.sleep(%d)" % seconds,)) for seconds in (3600, 3601)]
    for thread in threads:
        thread.start()
    while not reader._turn.locked():
        time.sleep(0.01)
    reader.close()
    for thread in threads:
        thread.join(PATIENCE)
    assert kinds == ["stopping", "stopping"]


def test_it_refuses_to_read_once_closed() -> None:
    """A straggler does not start a process that nobody would end."""
    reader = Reader(LIMITS)
    reader.close()
    with pytest.raises(TransientError) as caught:
        reader.read(MAIL)
    assert caught.value.kind == "stopping"


def test_the_child_knows_nothing_of_the_environment(
    reader_of: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys that the daemon was given are out of a mail's reach."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    assert "ANTHROPIC_API_KEY" not in reader_of(OBEDIENT).read(b"answer = dict(os.environ)").text


def test_the_child_cannot_write_a_file(reader_of: Callable[..., Reader], tmp_path: Path) -> None:
    """The limit on files is none at all: what is opened stays empty."""
    target = tmp_path / "written"
    reader_of(OBEDIENT).read(b"try: open(%r, 'w').write('x')\nexcept OSError: answer = 'refused'" % str(target))
    assert target.read_bytes() == b""


def test_the_child_may_print_without_breaking_the_answer(reader_of: Callable[..., Reader]) -> None:
    """A library that says something on standard output does not cost the mail."""
    assert reader_of(OBEDIENT).read(b"print('oops', flush=True); answer = attachments_text").text == "True"


def test_the_child_ends_with_the_daemon(tmp_path: Path) -> None:
    """However the daemon ends, a mail that spins does not go on spinning."""
    spinning = tmp_path / "spinning"
    mail = f"open({str(spinning)!r}, 'w')\nwhile True: pass"
    program = f"""
from daemon.mail.reader import Reader, ReadingLimits
reader = Reader(ReadingLimits(20_000, seconds=3600), ({sys.executable!r}, "-c", {OBEDIENT!r}))
print(reader.read(b"answer = os.getpid()").text, flush=True)
reader.read({mail.encode()!r})
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        pid = int(owner.stdout.readline())
        while not spinning.exists() and owner.poll() is None:
            time.sleep(0.01)
        owner.kill()
    assert is_gone(pid)
