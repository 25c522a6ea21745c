"""The patterns of ``knowledge.documents``: where they lead, and what is refused."""

from pathlib import Path

import pytest

from daemon.settings import load
from daemon.settings.variant import load_variant
from tests.settings.configs import good, refused


def test_a_pattern_counts_from_the_config_file(tmp_path: Path) -> None:
    """Wherever the daemon is started; whole paths stay as they are, and one that matches nothing is fine."""
    path = good(tmp_path, knowledge__documents='["docs/**/*.md", "../a.pdf", "/srv/docs/*.md"]')
    wanted = (f"{tmp_path}/docs/**/*.md", f"{tmp_path.parent}/a.pdf", "/srv/docs/*.md")
    assert load(path).knowledge.documents == wanted


def test_a_wildcard_in_the_name_of_the_configs_own_folder_is_none(tmp_path: Path) -> None:
    """It is a folder of that name."""
    folder = tmp_path / "a[1]"
    folder.mkdir()
    assert load(good(folder, knowledge__documents='["*.md"]')).knowledge.documents == (f"{tmp_path}/a[[]1]/*.md",)


def test_a_variant_elsewhere_leaves_the_documents_where_they_are(tmp_path: Path) -> None:
    """They count from the config, not from the variant's file."""
    path = good(tmp_path, knowledge__documents='["docs/*.md"]')
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "v.toml").write_text("[limits]\ndollars_per_turn = 0.1\n")
    found = load_variant(path, tmp_path / "deep" / "v.toml")
    assert found.knowledge.documents == (f"{tmp_path}/docs/*.md",)


@pytest.mark.parametrize("value", ['"docs"', "5", "{ a = 1 }", "[5]", "[[]]"])
def test_a_variant_refuses_documents_of_the_wrong_type_as_the_config_does(tmp_path: Path, value: str) -> None:
    """Wherever it is noticed first."""
    path = good(tmp_path, knowledge__documents=value)
    (tmp_path / "v.toml").write_text("")
    with pytest.raises(Exception, match=r"knowledge\.documents.*: Input should be a valid"):
        load_variant(path, tmp_path / "v.toml")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('[""]', "knowledge.documents.0: String should have at least 1 character"),
        ('["  "]', "knowledge.documents.0: String should have at least 1 character"),
        (r'["a\nb.md"]', "must be one line of text"),
        (f'["{"x" * 201}"]', "String should have at most 200 characters"),
        ('["a.md", "docs/"]', "knowledge.documents.1: 'docs/' names a folder; name the files in it"),
        ('["docs/**"]', "'docs/**' names a folder; name the files in it, such as 'docs/**/*.md'"),
        ('["docs/**.md"]', "** must stand alone between slashes"),
        ('["*/../a.md"]', ".. cannot stand behind a wildcard"),
        ('["/**/*.md"]', "reaches through the whole machine; name the folder in which the documents are"),
        ('["../../../../../../../../../../../**/*.md"]', "'/**/*.md' reaches through the whole machine"),
        ('["/proc/*/comm.txt"]', "reaches through the whole machine"),
        ('["/etc"]', "knowledge.documents.0: /etc is a folder; name the files in it, such as '/etc/*.md'"),
        ('["/var/lib/clerkd/agent/*.md"]', "/var/lib/clerkd/agent/*.md leads into service.state"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused(tmp_path: Path, value: str, said: str) -> None:
    """What is wrong, where, and what is allowed."""
    assert said in refused(tmp_path, "knowledge.documents", value)
