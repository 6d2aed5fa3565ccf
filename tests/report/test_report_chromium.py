"""A real browser opens the report from disk: nothing runs, nothing is fetched."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from enricher.report.html import write_report
from enricher.report.summary import ScanSummary

MakeSummary = Callable[..., ScanSummary]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--enable-logging=stderr",
    "--v=0",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        pytest.skip("chromium is not installed")
    return found


class Listener:
    """A web server that remembers what was asked of it."""

    def __init__(self) -> None:
        seen: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(self.path)
                self.send_error(404)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
                """Nothing is printed."""

        self.seen = seen
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    thread = threading.Thread(target=listener.server.serve_forever, daemon=True)
    thread.start()
    yield listener
    listener.server.shutdown()
    listener.server.server_close()
    thread.join()


def opened(chromium: str, page: Path, profile: Path, *flags: str) -> tuple[str, str]:
    """The page's document after loading, and what the browser logged."""
    done = subprocess.run(
        [chromium, *FLAGS, *flags, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, done.stderr


def hostile_for(url: str) -> list[str]:
    """Text that would give itself away, by a request or by a changed document."""
    act = f"new Image().src='{url}ran';document.body.id='owned'"
    return [
        f"<script>{act}</script>",
        f'"><img src="{url}img" onerror="{act}">',
        f"'><svg onload=\"{act}\"><image href='{url}svg'/></svg>",
        f"</style><link rel=stylesheet href={url}css><style>@import '{url}import';",
        f"</title></details><iframe src='{url}frame'></iframe>",
        f"<meta http-equiv=refresh content='0;url={url}refresh'>",
        f"<base href='{url}base'>",
        f"url({url}u)",
        f"]]>--><a href='javascript:{act}' autofocus onfocus=\"{act}\">x</a>",
        "alert(1);\x1b]0;x\x07\u202e\x00\ud800",
        "<dialog open>x</dialog><script>alert(1)</script>",
    ]


def test_a_hostile_report_does_nothing_in_a_browser(
    chromium: str, listener: Listener, make_hostile_summary: MakeSummary, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    write_report(make_hostile_summary(hostile_for(listener.url)), page)
    document, log = opened(chromium, page, tmp_path / "profile")
    assert listener.seen == []
    assert "CONSOLE" not in log
    lowered = document.lower()
    for tag in ("<script", "<iframe", "<link", "<base", "<svg", "<dialog", "<object", "<embed"):
        assert tag not in lowered
    assert 'id="owned"' not in document
    assert "</html>" in document


def test_the_browser_would_have_told(
    chromium: str, listener: Listener, make_summary: MakeSummary, tmp_path: Path
) -> None:
    """The checks above see a page that does act, so their silence means something."""
    page = tmp_path / "acting.html"
    script = f"<script>new Image().src='{listener.url}ran';console.error('here')</script>"
    page.write_text(f"<!doctype html><title>x</title>{script}", encoding="utf-8")
    _, log = opened(chromium, page, tmp_path / "profile", "--virtual-time-budget=2000")
    assert "/ran" in listener.seen
    assert "CONSOLE" in log
    # The report's own policy stops the same script, should one ever get in.
    guarded = tmp_path / "guarded.html"
    write_report(make_summary(alerts=1), guarded)
    listener.seen.clear()
    text = guarded.read_text(encoding="utf-8").replace("</main>", f"{script}</main>")
    guarded.write_text(text, encoding="utf-8")
    opened(chromium, guarded, tmp_path / "profile2", "--virtual-time-budget=2000")
    assert listener.seen == []


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, 1), (1280, 0), (400, 1)], ids=["light", "dark", "narrow"]
)
def test_the_report_shows_in_a_browser(
    chromium: str, make_summary: MakeSummary, tmp_path: Path, width: int, scheme: int
) -> None:
    page, shot = tmp_path / "report.html", tmp_path / "shot.png"
    write_report(make_summary(), page)
    flags = (f"--blink-settings=preferredColorScheme={scheme}", f"--window-size={width},1600")
    done = subprocess.run(
        [
            *(chromium, *FLAGS, *flags, f"--user-data-dir={tmp_path / 'profile'}"),
            *(f"--screenshot={shot}", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "CONSOLE" not in done.stderr
    # An empty page of this size compresses to a few thousand bytes.
    assert shot.stat().st_size > 40_000
