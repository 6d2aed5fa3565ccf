"""The manifest is read as it is written, and nothing unlabelled becomes benign."""

from __future__ import annotations

from pathlib import Path

import pytest

from enricher.errors import InputError
from enricher.learn.manifest import load_manifest

LINE = "1.0\tC1\t10.0.0.1\t1\t10.0.0.2\t2\ttcp\n"


def write(root: Path, text: str, *logs: str) -> Path:
    for log in logs:
        path = root / log
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(LINE)
    (root / "manifest.yaml").write_text(text)
    return root


def test_a_file_a_folder_a_glob_and_subfolders_give_one_source_each_log(tmp_path: Path) -> None:
    data = write(
        tmp_path,
        """
captures:
  - {capture: one, path: one.conn.log, kind: conn, family: scan}
  - {capture: two, path: two, kinds: [conn, dns, ssh], label_column: label,
     labels: {Malicious: bad, "-": benign}, weak: true}
  - {capture: three, path: all, glob: "part-*", kinds: [dns], family: benign}
  - {capture: four, path: all, kinds: [dns], families: {tunnel: dns-tunnel}}
  - {capture: five, path: one.conn.log, kind: conn, use: format}
""",
        "one.conn.log",
        "two/conn.log.labeled.gz",
        "two/conn-summary.log",
        "two/open_conn.log",
        "two/x_conn.log",
        "two/dns.log",
        "all/part-1/dns.log.gz",
        "all/part-2/dns.log.gz",
        "all/tunnel/dns.log",
    )
    manifest = load_manifest(data)
    found = [(log.capture, str(log.path.relative_to(data)), log.kind) for log in manifest.logs]
    assert found == [
        ("one", "one.conn.log", "conn"),
        ("two", "two/conn.log.labeled.gz", "conn"),
        ("two", "two/x_conn.log", "conn"),
        ("two", "two/dns.log", "dns"),
        ("three", "all/part-1/dns.log.gz", "dns"),
        ("three", "all/part-2/dns.log.gz", "dns"),
        ("four", "all/tunnel/dns.log", "dns"),
    ]
    assert manifest.logs[-1].family == "dns-tunnel"
    assert manifest.logs[1].weak
    assert manifest.families == ("bad", "dns-tunnel", "scan")
    assert "two: ssh is no kind that is read" in manifest.skipped
    assert "five: only for the parser (use: format)" in manifest.skipped


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("captures: 3", "no list 'captures'"),
        ("captures: [{capture: a}]", "needs 'capture' and 'path'"),
        ("captures: [{capture: a, path: gone, kind: conn}]", "does not exist"),
        ("captures: [{capture: a, path: ., kind: conn}]", "no log of its kinds"),
        ("captures: [{capture: a, path: .}]", "needs 'kind' or 'kinds'"),
        ("captures: [{capture: a, path: ., kind: conn, lables: {}}]", "unknown key 'lables'"),
        ("captures: [", "not readable YAML"),
        ("captures: []\nlists: [{name: x}]", "needs 'name' and 'path'"),
    ],
)
def test_a_bad_manifest_is_refused_with_its_file_and_the_reason(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(InputError, match=says) as caught:
        load_manifest(write(tmp_path, text))
    assert caught.value.file == tmp_path / "manifest.yaml"


def test_a_directory_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no manifest"):
        load_manifest(tmp_path)


def test_the_real_manifest_names_every_capture_and_family(shared_data: Path) -> None:
    manifest = load_manifest(shared_data)
    captures = {log.capture for log in manifest.logs}
    assert captures == {
        "ctu-sme-11-ubuntu",
        "dns-tunnels",
        "genuine-crawl",
        "genuine-ssh-bruteforce",
        "genuine-tunnels",
        "iot23",
        "rita-internet-server-day-1",
        "small-scans",
        "stratosphere-001",
        "stratosphere-002",
        "stratosphere-008",
        "stratosphere-010",
    }
    assert len([log for log in manifest.logs if log.capture == "genuine-crawl"]) == 24
    assert set(manifest.lists) == {"dga", "http-parameters"}
    assert all(path.is_file() for path in manifest.lists.values())
    assert {log.capture for log in manifest.logs if log.weak} == {"rita-internet-server-day-1"}


def test_every_family_of_the_manifest_is_described(shared_data: Path) -> None:
    described = families()
    assert set(load_manifest(shared_data).families) <= set(described["families"])


def families() -> dict[str, dict[str, dict[str, object]]]:
    from enricher.learn.labels import load_families  # noqa: PLC0415 (used by two tests only)

    return load_families(Path(__file__).resolve().parents[2] / "models" / "families.yaml")


def test_every_description_is_complete_and_short() -> None:
    for name, entry in families()["families"].items():
        assert set(entry) == {
            "title",
            "category",
            "severity",
            "tactic",
            "technique",
            "description",
        }, name
        assert entry["severity"] in {1, 2, 3}
        assert str(entry["description"]).count(". ") == 0
        assert len(str(entry["title"])) < 60
