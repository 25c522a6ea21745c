"""The mailboxes of the config: one or several, on a server or on this machine, and how to get in."""

import re
from datetime import date
from pathlib import Path

import pytest

from daemon.settings import LETTERS, ImapMailbox, MaildirMailbox, Watched, load
from tests.settings.configs import (
    GOOD,
    MAILDIR,
    MISSING,
    UNKNOWN,
    WAYS,
    good,
    place,
    refusal,
    refused,
    signing_in,
    toml,
    with_mailboxes,
)

IMAP = GOOD["mailbox"]
OTHER = {**IMAP, "user": '"sales@example.com"'}
SINCE = 'mailbox.since: must be "new", "all", or a date in quotes such as "2026-11-01"'
WAY_IN = "mailbox: give either password or [mailbox.sign_in], one of them"


def mailbox(path: Path) -> Watched:
    """Give the one mailbox of a config."""
    (found,) = load(path).mailboxes
    return found


def signed_in(folder: Path, way: str, **changes: str) -> Path:
    """Write a config whose mailbox is signed in to in this way."""
    tables = {section: dict(keys) for section, keys in (GOOD | signing_in(way)).items()}
    tables["mailbox.sign_in"] |= changes
    return place(folder, toml(tables))


# One and several


def test_one_mailbox_may_be_written_either_way(tmp_path: Path) -> None:
    """[mailbox] is a list of one."""
    alone = load(good(tmp_path))
    assert load(with_mailboxes(tmp_path, IMAP)) == alone


def test_several_mailboxes_are_worked_in_their_order(tmp_path: Path) -> None:
    """A server's and this machine's may stand side by side."""
    found = load(with_mailboxes(tmp_path, OTHER, MAILDIR, IMAP)).mailboxes
    assert [(type(one), one.name) for one in found] == [
        (ImapMailbox, "sales@example.com@imap.example.com"),
        (MaildirMailbox, "/"),
        (ImapMailbox, "support@example.com@imap.example.com"),
    ]


@pytest.mark.parametrize("keys", [IMAP, MAILDIR], ids=["imap", "maildir"])
def test_a_label_is_the_name_of_its_mailbox(tmp_path: Path, keys: dict[str, str]) -> None:
    """It goes before user, host and path."""
    assert load(with_mailboxes(tmp_path, {**keys, "label": '"support"'})).mailboxes[0].name == "support"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (IMAP, IMAP),
        ({**IMAP, "label": '"one"'}, {**MAILDIR, "label": '"one"'}),
        (MAILDIR, {**IMAP, "label": '"/"'}),
    ],
    ids=["by default", "by label", "by label and default"],
)
def test_no_two_mailboxes_have_the_same_name(tmp_path: Path, first: dict[str, str], second: dict[str, str]) -> None:
    """By its name the ledger tells a mailbox from the others."""
    found = refusal(with_mailboxes(tmp_path, first, OTHER, second))
    assert re.fullmatch(r"mailbox: two mailboxes are called \S+; give each a label of its own", found)


def test_a_label_of_its_own_sets_a_mailbox_apart(tmp_path: Path) -> None:
    """The way out that the refusal names is one."""
    path = with_mailboxes(tmp_path, IMAP, {**IMAP, "label": '"second"', "watch": '["Sales"]'})
    assert [one.watch for one in load(path).mailboxes] == [("INBOX",), ("Sales",)]


def test_it_refuses_an_empty_list_of_mailboxes(tmp_path: Path) -> None:
    """There would be nothing to do."""
    others = {section: keys for section, keys in GOOD.items() if section != "mailbox"}
    assert refusal(place(tmp_path, f"mailbox = []\n{toml(others)}")) == "mailbox: give at least one mailbox to work"


@pytest.mark.parametrize(("place_of", "name"), [(0, "mailbox[0]"), (1, "mailbox[1]"), (2, "mailbox[2]")])
@pytest.mark.parametrize(
    ("bad", "key"),
    [
        ({**IMAP, "port": "0", "label": '"x"'}, "port"),
        ({**IMAP, "surprise": "1", "label": '"x"'}, "surprise"),
        ({**MAILDIR, "maildir": "5", "label": '"x"'}, "maildir"),
        ({**MAILDIR, "maildir": '"/nowhere/mail"'}, "maildir"),
        ({**IMAP, "ca_file": '"/nowhere/ca.pem"', "label": '"x"'}, "ca_file"),
        ({**IMAP, "password": "{}", "label": '"x"'}, "password"),
        ({"host": '"h"', "user": '"u"', "sign_in": '{ way = "token", token = 5 }'}, "sign_in.token"),
    ],
    ids=["range", "unknown", "kind", "directory", "file", "secret", "sign-in"],
)
def test_one_of_several_mailboxes_is_named_by_its_place(
    tmp_path: Path, place_of: int, name: str, bad: dict[str, str], key: str
) -> None:
    """Counted from nought, as they stand in the file; the others are not named."""
    mailboxes = [IMAP, OTHER]
    mailboxes.insert(place_of, bad)
    found = refusal(with_mailboxes(tmp_path, *mailboxes))
    assert (found.startswith(f"{name}.{key}: "), "\n" in found) == (True, False)


def test_what_is_wrong_with_several_mailboxes_is_named_at_once(tmp_path: Path) -> None:
    """Each mistake has its line, and a mailbox that is bad is not counted as missing."""
    found = refusal(with_mailboxes(tmp_path, {**IMAP, "port": "0"}, {**OTHER, "poll_seconds": "0"}))
    assert [line.partition(": ")[0] for line in found.splitlines()] == ["mailbox[0].port", "mailbox[1].poll_seconds"]


# Which folders


@pytest.mark.parametrize("watch", ['["INBOX", "inbox"]', '["Sales", "INBOX", "Sales"]'])
def test_no_folder_is_watched_twice(tmp_path: Path, watch: str) -> None:
    """INBOX is the same in any case (RFC 3501, 5.1)."""
    assert refused(tmp_path, "mailbox.watch", watch).startswith("mailbox: watch names a folder twice: ")


def test_folders_that_differ_in_case_are_two(tmp_path: Path) -> None:
    """That holds for all but INBOX."""
    assert mailbox(good(tmp_path, mailbox__watch='["Sales", "sales"]')).watch == ("Sales", "sales")


@pytest.mark.parametrize("folder", ["INBOX", "inbox", "Inbox", "Sales"])
def test_it_refuses_to_move_handled_mail_into_a_folder_that_it_watches(tmp_path: Path, folder: str) -> None:
    """A mail moved there would come in again for ever."""
    path = good(tmp_path, mailbox__watch='["INBOX", "Sales"]', mailbox__handled_folder=f'"{folder}"')
    assert refusal(path) == (
        f"mailbox: handled_folder is a watched folder itself ({folder}); choose another or leave it empty"
    )


@pytest.mark.parametrize("folder", ["INBOX", "inbox", "Sales"])
def test_it_refuses_to_let_the_employee_move_mail_into_a_folder_that_it_watches(tmp_path: Path, folder: str) -> None:
    """A mail moved there would come in again, and cost again, for ever."""
    path = good(tmp_path, mailbox__watch='["INBOX", "Sales"]', mailbox__folders=f'["Archive", "{folder}"]')
    assert refusal(path) == f"mailbox: folders holds a watched folder itself ({folder}); leave it out"


def test_a_folder_that_only_another_mailbox_watches_may_be_moved_to(tmp_path: Path) -> None:
    """It is another folder."""
    path = with_mailboxes(tmp_path, {**IMAP, "folders": '["Sales"]'}, {**OTHER, "watch": '["Sales"]'})
    assert load(path).mailboxes[0].folders == ("Sales",)


def test_the_folders_of_all_mailboxes_are_known_together(tmp_path: Path) -> None:
    """Each is named once, in order."""
    path = with_mailboxes(
        tmp_path, {**IMAP, "folders": '["Sales", "Archive"]'}, {**OTHER, "folders": '["Archive", "Bin"]'}
    )
    assert load(path).folders == ("Sales", "Archive", "Bin")


# Since when


@pytest.mark.parametrize(
    ("value", "since"),
    [("new", "new"), ("all", "all"), ("2026-11-01", date(2026, 11, 1)), ("2024-02-29", date(2024, 2, 29))],
)
def test_it_takes_a_word_or_a_day(tmp_path: Path, value: str, since: object) -> None:
    """A day stands in quotation marks."""
    assert mailbox(good(tmp_path, mailbox__since=f'"{value}"')).since == since


@pytest.mark.parametrize(
    "value",
    [
        '"yesterday"',
        '""',
        '"New"',
        '"2026-02-30"',
        '"01.11.2026"',
        '"2026-11-01T00:00:00"',
        "2026-11-01",
        "2026-11-01T00:00:00Z",
        "20261101",
        "true",
        "[]",
        '{ date = "2026-11-01" }',
    ],
)
def test_it_refuses_what_is_neither_a_word_nor_a_day(tmp_path: Path, value: str) -> None:
    """What is allowed is named, also for a date that TOML itself would take."""
    assert refused(tmp_path, "mailbox.since", value) == SINCE


# The border server


def test_it_believes_a_border_server_that_is_confirmed(tmp_path: Path) -> None:
    """Both keys together."""
    path = good(tmp_path, mailbox__authserv_id='"mx.example.com"', mailbox__authserv_strips_forgeries="true")
    assert mailbox(path).authserv_id == "mx.example.com"


@pytest.mark.parametrize(("key", "value"), [("authserv_id", '"mx.example.com"'), ("authserv_strips_forgeries", "true")])
def test_it_refuses_half_of_a_border_server(tmp_path: Path, key: str, value: str) -> None:
    """A name without the word that it strips forgeries would let any sender vouch for themselves."""
    found = refused(tmp_path, f"mailbox.{key}", value)
    assert found.startswith("mailbox: authserv_id and authserv_strips_forgeries = true belong together: ")


# A Maildir


def test_a_maildir_needs_nothing_but_its_path(tmp_path: Path) -> None:
    """There is no server, and nobody to sign in to."""
    assert mailbox(good(tmp_path, mailbox__maildir=f'"{tmp_path}"')) == MaildirMailbox(maildir=tmp_path)


def test_without_a_maildir_there_must_be_a_server(tmp_path: Path) -> None:
    """A mailbox is on a server unless it says otherwise."""
    assert refusal(good(tmp_path, without="mailbox.maildir")) == f"mailbox.host: {MISSING}\nmailbox.user: {MISSING}"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", '"imap.example.com"'),
        ("port", "993"),
        ("security", '"tls"'),
        ("user", '"support@example.com"'),
        ("password", '{ env = "P" }'),
        ("sign_in", '{ way = "token", token = { env = "T" } }'),
        ("ca_file", '"/etc/clerkd/ca.pem"'),
        ("timeout_seconds", "60"),
    ],
)
def test_a_maildir_has_no_key_of_a_server(tmp_path: Path, key: str, value: str) -> None:
    """Whoever gives both has mistaken one for the other."""
    assert refusal(with_mailboxes(tmp_path, {**MAILDIR, key: value})) == f"mailbox.{key}: {UNKNOWN}"


def test_a_maildir_must_be_there(tmp_path: Path) -> None:
    """The path that was looked at is named."""
    found = refused(tmp_path, "mailbox.maildir", f'"{tmp_path}/nowhere"')
    assert found == f"mailbox.maildir: there is no such directory: {tmp_path}/nowhere"


def test_a_maildir_is_a_directory(tmp_path: Path) -> None:
    """A file is an mbox, or a mistake."""
    (tmp_path / "mbox").touch()
    found = refused(tmp_path, "mailbox.maildir", f'"{tmp_path}/mbox"')
    assert found == f"mailbox.maildir: there is no such directory: {tmp_path}/mbox"


@pytest.mark.parametrize("flag", LETTERS)
def test_a_maildir_keeps_the_flags_that_have_a_letter(tmp_path: Path, flag: str) -> None:
    """They are part of the file's name."""
    assert mailbox(with_mailboxes(tmp_path, {**MAILDIR, "handled_flag": f"'{flag}'"})).handled.flag == flag


@pytest.mark.parametrize("name", [".", "..", "/", "./", "a//b", "/a", "a/", "INBOX/.", "a/../b"])
@pytest.mark.parametrize("key", ["watch", "drafts", "sent", "folders", "handled_folder"])
def test_a_folder_of_a_maildir_lies_in_it(tmp_path: Path, key: str, name: str) -> None:
    """A name of nothing but dots and slashes leads out of the Maildir."""
    value = f'["{name}"]' if key in ("watch", "folders") else f'"{name}"'
    found = refusal(with_mailboxes(tmp_path, {**MAILDIR, key: value}))
    assert found.startswith(f"mailbox: {name!r} is no folder of a Maildir: ")


@pytest.mark.parametrize("name", ["Archive", "Archive/2026", "a.b", "INBOX/Done", "\u00dcbrig"])
def test_a_folder_of_a_maildir_may_lie_in_another(tmp_path: Path, name: str) -> None:
    """Slashes and dots divide names, and any script can spell them."""
    assert mailbox(with_mailboxes(tmp_path, {**MAILDIR, "handled_folder": f'"{name}"'})).handled.folder == name


@pytest.mark.parametrize("flag", ["$Clerkd", "Handled", "\\seen", "\\Recent"])
def test_a_maildir_keeps_no_other_flag(tmp_path: Path, flag: str) -> None:
    """A keyword has no letter; those that have one are named."""
    found = refusal(with_mailboxes(tmp_path, {**MAILDIR, "handled_flag": f"'{flag}'"}))
    assert found == f"mailbox: a Maildir knows only the flags {', '.join(LETTERS)}; found {flag}"


def test_a_server_may_keep_any_flag(tmp_path: Path) -> None:
    """Whether it does is seen when it is asked."""
    assert mailbox(good(tmp_path, mailbox__handled_flag='"$Clerkd"')).handled.flag == "$Clerkd"


# How to get in


def test_the_certificates_of_a_private_server_must_be_there(tmp_path: Path) -> None:
    """The path that was looked at is named."""
    found = refused(tmp_path, "mailbox.ca_file", '"/nowhere/ca.pem"')
    assert found == "mailbox.ca_file: there is no such file: /nowhere/ca.pem"


def test_the_certificates_of_a_private_server_are_taken(tmp_path: Path) -> None:
    """What is in the file is seen when it is used."""
    (tmp_path / "ca.pem").touch()
    found = mailbox(good(tmp_path, mailbox__ca_file=f'"{tmp_path}/ca.pem"'))
    assert isinstance(found, ImapMailbox)
    assert found.ca_file == tmp_path / "ca.pem"


def test_a_mailbox_needs_a_way_in(tmp_path: Path) -> None:
    """Neither a password nor a sign-in is too little."""
    assert refusal(good(tmp_path, without="mailbox.password")) == WAY_IN


@pytest.mark.parametrize("way", WAYS)
def test_a_mailbox_has_one_way_in(tmp_path: Path, way: str) -> None:
    """A password beside a sign-in is one too many."""
    keys = GOOD | signing_in(way) | {"mailbox": IMAP}
    assert refusal(place(tmp_path, toml(keys))) == WAY_IN


@pytest.mark.parametrize("way", WAYS)
def test_it_takes_each_way_to_sign_in(tmp_path: Path, way: str) -> None:
    """With nothing but what the way requires."""
    found = mailbox(signed_in(tmp_path, way))
    assert isinstance(found, ImapMailbox)
    assert found.sign_in
    assert (found.sign_in.way, found.sign_in.mechanism, found.password) == (way, "xoauth2", None)


@pytest.mark.parametrize(("way", "key"), [(way, key) for way, keys in WAYS.items() for key in keys])
def test_each_way_to_sign_in_misses_its_keys(tmp_path: Path, way: str, key: str) -> None:
    """The key is named without the way, as it stands in the file."""
    tables = {section: dict(keys) for section, keys in (GOOD | signing_in(way)).items()}
    del tables["mailbox.sign_in"][key]
    assert refusal(place(tmp_path, toml(tables))) == f"mailbox.sign_in.{key}: {MISSING}"


def test_a_sign_in_says_its_way(tmp_path: Path) -> None:
    """Without it nobody knows what the other keys mean."""
    assert refusal(good(tmp_path, without="mailbox.sign_in.way")) == f"mailbox.sign_in: way {MISSING}"


@pytest.mark.parametrize("value", ['"magic"', "5"])
def test_it_refuses_an_unknown_way_to_sign_in(tmp_path: Path, value: str) -> None:
    """The ways that there are are named."""
    found = refused(tmp_path, "mailbox.sign_in.way", value)
    assert found.startswith("mailbox.sign_in: ")
    assert [way for way in WAYS if f"'{way}'" not in found] == []


def test_a_sign_in_is_a_section(tmp_path: Path) -> None:
    """A word is none."""
    keys = {key: value for key, value in IMAP.items() if key != "password"}
    found = refusal(with_mailboxes(tmp_path, {**keys, "sign_in": '"token"'}))
    assert found == "mailbox.sign_in: Input should be an object (found 'token')"


def test_no_refusal_shows_a_secret_under_a_misspelt_key(tmp_path: Path) -> None:
    """Unknown keys are named without their value, also in a sign-in."""
    found = refusal(signed_in(tmp_path, "google-user", client_secert='"open-sesame"'))
    assert found == f"mailbox.sign_in.client_secert: {UNKNOWN}"


@pytest.mark.parametrize("name", ["INBOX/Done", "Done"])
@pytest.mark.parametrize("watched", ["Done", "INBOX/Done"])
def test_a_maildir_is_not_worked_in_a_circle_under_two_spellings(tmp_path: Path, watched: str, name: str) -> None:
    """Both spellings are one directory: a mail moved there would come in again, for ever."""
    keys = {**MAILDIR, "watch": f'["{watched}"]', "handled_folder": f'"{name}"'}
    assert "handled_folder is a watched folder itself" in refusal(with_mailboxes(tmp_path, keys))
