"""Downloads from a server on this machine: what arrives, what is kept, what is refused and how it is said."""

from __future__ import annotations

import hashlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.downloads import fetch
from grader.downloads.fetch import Patience
from grader.errors import InfrastructureError, SpecError
from tests.support.site import Page, Site, serving

CONTENT = bytes(range(256)) * 400  # 102,400 bytes
OTHER = CONTENT[::-1]
QUICK = Patience(connect_s=2, stall_s=0.15, window_s=0.1, slowest_bytes_s=1000, tries=3, pause_s=0.005)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as one:
        yield one


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "file.bin"


def get(url: str, target: Path, page: Page | None = None, **others: Any) -> Path:
    chosen = {"sha256": (page or Page(CONTENT)).sha256, "patience": QUICK, **others}
    return fetch.fetch(url, target, **chosen)


def left(target: Path) -> set[str]:
    """Return what lies beside the target, apart from the lock."""
    return {path.name for path in target.parent.iterdir() if path.suffix != ".lock"}


def interrupted(url: str, target: Path, **others: Any) -> None:
    """Start a download that somebody stops with Ctrl-C after the first block."""

    def stop(done: int, _total: int | None) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(url, target, tell=stop, **others)


def test_a_file_arrives_whole_under_its_name_with_nothing_beside_it(site: Site, target: Path) -> None:
    told: list[tuple[int, int | None]] = []
    url = site.add("/file", Page(CONTENT, etag='"1"'))

    found = get(url, target, size_bytes=len(CONTENT), tell=lambda done, total: told.append((done, total)))

    assert found == target
    assert target.read_bytes() == CONTENT
    assert left(target) == {"file.bin"}
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_file_that_is_there_is_not_asked_for_again_unless_it_is_wrong(site: Site, target: Path) -> None:
    page = Page(CONTENT)
    url = site.add("/file", page)
    get(url, target)
    get(url, target)
    assert len(page.asked) == 1
    target.write_bytes(b"damaged")

    get(url, target)

    assert target.read_bytes() == CONTENT
    assert len(page.asked) == 2


@pytest.mark.parametrize("digits", [8, 12, 64])
def test_the_first_digits_of_a_checksum_are_enough(site: Site, target: Path, digits: int) -> None:
    page = Page(CONTENT)

    get(site.add("/file", page), target, sha256=page.sha256[:digits].upper())

    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("sha256", ["", "12ab34c", "not hex!", "ab" * 33])
def test_a_checksum_of_no_use_is_refused(target: Path, sha256: str) -> None:
    with pytest.raises(SpecError, match="8 to 64 hex digits"):
        fetch.fetch("https://example.org/x", target, sha256=sha256)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x", "/etc/passwd", ""])
def test_only_the_web_is_asked(target: Path, url: str) -> None:
    with pytest.raises(SpecError, match="starts with https://"):
        get(url, target)


def test_a_length_that_nobody_announces_is_no_obstacle(site: Site, target: Path) -> None:
    get(site.add("/file", Page(CONTENT, announced=-1)), target)

    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "page",
    [Page(CONTENT, etag='"1"'), Page(CONTENT, modified="Mon, 05 Jan 2026 10:00:00 GMT"), Page(CONTENT)],
    ids=["etag", "last-modified", "neither"],
)
def test_an_interrupted_download_goes_on_where_it_stopped(site: Site, target: Path, page: Page) -> None:
    url = site.add("/file", page)
    page.asked.clear()
    interrupted(url, target)
    have = (target.parent / "file.bin.part").stat().st_size
    assert 0 < have < len(CONTENT)
    assert not target.exists()

    get(url, target)

    assert target.read_bytes() == CONTENT
    assert page.asked[1]["Range"] == f"bytes={have}-"
    assert page.asked[1].get("If-Range", "") == (page.etag or page.modified)
    assert left(target) == {"file.bin"}


def test_a_weak_tag_is_not_taken_for_the_same_bytes(site: Site, target: Path) -> None:
    page = Page(CONTENT, etag='W/"1"')
    url = site.add("/file", page)
    interrupted(url, target)

    get(url, target)

    assert "If-Range" not in page.asked[1]
    assert target.read_bytes() == CONTENT


def test_a_dropped_connection_is_taken_up_again_within_one_call(site: Site, target: Path) -> None:
    page = Page(CONTENT, etag='"1"', cuts=[30_000, 50_000])

    get(site.add("/file", page), target, size_bytes=len(CONTENT))

    assert target.read_bytes() == CONTENT
    assert [one.get("Range") for one in page.asked] == [None, "bytes=30000-", "bytes=80000-"]


def test_a_server_that_ignores_ranges_sends_it_all_again(site: Site, target: Path) -> None:
    page = Page(CONTENT, ranges=False, cuts=[30_000])

    get(site.add("/file", page), target)

    assert target.read_bytes() == CONTENT
    assert len(page.asked) == 2


def test_a_part_that_is_complete_is_only_verified(site: Site, target: Path) -> None:
    page = Page(CONTENT, etag='"1"')
    url = site.add("/file", page)
    interrupted(url, target)
    (target.parent / "file.bin.part").write_bytes(CONTENT)

    get(url, target, size_bytes=len(CONTENT))
    assert len(page.asked) == 1

    target.rename(target.with_name("file.bin.part"))
    (target.parent / "file.bin.part.json").write_text(f'["{url}", "{page.sha256}", "\\"1\\""]')
    get(url, target)  # of unknown size: the server says that there is no more
    assert page.asked[1]["Range"] == f"bytes={len(CONTENT)}-"
    assert target.read_bytes() == CONTENT
    assert left(target) == {"file.bin"}


@pytest.mark.parametrize("etags", [('"1"', '"2"'), ("", "")], ids=["with a tag", "without a tag"])
def test_a_file_that_changed_between_two_tries_is_fetched_from_the_start(
    site: Site, target: Path, etags: tuple[str, str]
) -> None:
    before, after = Page(OTHER, etag=etags[0]), Page(CONTENT, etag=etags[1])
    url = site.add("/file", before)
    interrupted(url, target)
    site.add("/file", after)

    get(url, target)

    assert target.read_bytes() == CONTENT
    assert left(target) == {"file.bin"}


@pytest.mark.parametrize("shift", [1, len(CONTENT)], ids=["the wrong part", "nothing left"])
def test_another_part_than_the_one_asked_for_is_not_taken(site: Site, target: Path, shift: int) -> None:
    page = Page(CONTENT, etag='"1"')
    url = site.add("/file", page)
    interrupted(url, target)
    page.shift = shift
    told: list[int] = []

    get(url, target, tell=lambda done, _total: told.append(done))

    assert target.read_bytes() == CONTENT
    assert told[0] == 0  # nothing of the wrong part was stored
    assert len(page.asked) == 3


def test_a_server_that_sends_a_range_of_a_changed_file_in_spite_of_the_condition_is_noticed(
    site: Site, target: Path
) -> None:
    url = site.add("/file", Page(OTHER, etag='"1"'))
    interrupted(url, target)
    after = Page(CONTENT, etag='"2"', careless=True)
    site.add("/file", after)

    get(url, target)

    assert target.read_bytes() == CONTENT
    assert [one.get("If-Range") for one in after.asked] == ['"1"', None]


@pytest.mark.parametrize("note", ["", "{}", "[1]", '["https://example.org/other", "ab", ""]'])
def test_a_part_of_unknown_origin_is_not_built_upon(site: Site, target: Path, note: str) -> None:
    page = Page(CONTENT)
    target.parent.mkdir()
    (target.parent / "file.bin.part").write_bytes(OTHER[:50_000])
    (target.parent / "file.bin.part.json").write_text(note)

    get(site.add("/file", page), target)

    assert target.read_bytes() == CONTENT
    assert "Range" not in page.asked[0]


def test_a_corrupted_file_is_removed_and_the_next_try_starts_afresh(site: Site, target: Path) -> None:
    damaged = CONTENT[:500] + b"\0" + CONTENT[501:]
    bad = Page(damaged)
    url = site.add("/file", bad)
    wanted = hashlib.sha256(CONTENT).hexdigest()

    with pytest.raises(InfrastructureError) as caught:
        get(url, target)

    assert f"expected file.bin from {url}, with sha256 {wanted[:12]}, found" in str(caught.value.message)
    assert hashlib.sha256(damaged).hexdigest()[:12] in str(caught.value.message)
    assert "Try again" in str(caught.value.hint)
    assert left(target) == set()
    assert len(bad.asked) == 1
    page = Page(CONTENT)
    site.add("/file", page)
    get(url, target)
    assert "Range" not in page.asked[0]


def test_a_file_that_is_always_cut_short_is_an_error_that_keeps_what_came(site: Site, target: Path) -> None:
    page = Page(CONTENT, etag='"1"', cuts=[9_000, 0, 0, 0, 0])
    url = site.add("/file", page)

    with pytest.raises(
        InfrastructureError, match=r"expected file\.bin \(102400 bytes\) from http.*, found"
    ) as caught:
        get(url, target, size_bytes=len(CONTENT))

    assert "9000 bytes are kept" in str(caught.value.hint)
    assert len(page.asked) == QUICK.tries
    assert (target.parent / "file.bin.part").read_bytes() == CONTENT[:9_000]
    page.cuts.clear()
    get(url, target, size_bytes=len(CONTENT))
    assert target.read_bytes() == CONTENT


def test_a_file_that_ends_early_without_an_announced_length_is_noticed(site: Site, target: Path) -> None:
    page = Page(CONTENT[:5_000], announced=-1, ranges=False)

    with pytest.raises(InfrastructureError, match=r"found 5000 of 102400 bytes"):
        get(site.add("/file", page), target, size_bytes=len(CONTENT))


@pytest.mark.parametrize("announced", [None, -1], ids=["announced", "not announced"])
def test_a_file_of_another_length_is_refused(site: Site, target: Path, announced: int | None) -> None:
    url = site.add("/file", Page(CONTENT + b"more", announced=announced))

    with pytest.raises(
        InfrastructureError, match=r"expected file\.bin \(102400 bytes\).*found .*10240\d bytes"
    ) as caught:
        get(url, target, size_bytes=len(CONTENT))

    assert "login page" in str(caught.value.hint)
    assert left(target) == set()


def test_a_login_page_in_between_does_not_cost_what_came_before(site: Site, target: Path) -> None:
    url = site.add("/file", Page(CONTENT, etag='"1"'))
    interrupted(url, target)
    have = (target.parent / "file.bin.part").read_bytes()
    site.add("/file", Page(b"<html>Please log in</html>"))

    with pytest.raises(InfrastructureError, match="found 26 bytes"):
        get(url, target, size_bytes=len(CONTENT))

    assert (target.parent / "file.bin.part").read_bytes() == have


def test_a_server_that_falls_silent_is_left_and_asked_again(site: Site, target: Path) -> None:
    page = Page(CONTENT, etag='"1"', hang_after=10_000, hangs=1)

    get(site.add("/file", page), target)

    assert target.read_bytes() == CONTENT
    assert page.asked[1]["Range"] == "bytes=10000-"


def test_a_server_that_stays_silent_is_an_error(site: Site, target: Path) -> None:
    page = Page(CONTENT, hangs=10)

    with pytest.raises(InfrastructureError, match=r"found no byte for 0\.15 s"):
        get(site.add("/file", page), target)

    assert len(page.asked) == QUICK.tries


def test_a_line_that_drips_is_too_slow_although_it_never_falls_silent(site: Site, target: Path) -> None:
    page = Page(CONTENT, drip_s=0.01)

    with pytest.raises(InfrastructureError, match=r"found \d+ bytes in \d+ s, which is too slow"):
        get(site.add("/file", page), target)


def test_who_is_offline_hears_so_at_once(target: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/file"
        patience = Patience(tries=50, pause_s=60)

        with pytest.raises(InfrastructureError, match=r"found no connection to 127\.0\.0\.1") as caught:
            get(url, target, patience=patience)

    assert url in str(caught.value.message)
    assert "Check the network and try again" in str(caught.value.hint)


def test_a_server_that_hangs_up_without_an_answer_is_asked_again(tmp_path: Path) -> None:
    calls: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as deaf:

        def hang_up() -> None:
            for _ in range(QUICK.tries):
                deaf.accept()[0].close()
                calls.append(1)

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(InfrastructureError, match="found a connection that broke off"):
            get(f"http://127.0.0.1:{deaf.getsockname()[1]}/file", tmp_path / "file")
        thread.join()

    assert len(calls) == QUICK.tries


def test_a_file_that_is_gone_is_said_so_once(site: Site, target: Path) -> None:
    page = Page(status=404)
    url = site.add("/file", page)

    with pytest.raises(InfrastructureError, match=r"from http.*/file, found 404 Not Found") as caught:
        get(url, target, page=Page(CONTENT))

    assert "update Pawgrade" in str(caught.value.hint)
    assert len(page.asked) == 1


def test_a_busy_server_is_asked_again(site: Site, target: Path) -> None:
    page = Page(CONTENT, status=503, times=2)

    get(site.add("/file", page), target)

    assert target.read_bytes() == CONTENT
    assert len(page.asked) == 3


def test_redirects_are_followed_with_what_is_asked_for(site: Site, target: Path) -> None:
    page = Page(CONTENT, etag='"1"', cuts=[30_000])
    there = site.add("/there", page)

    get(site.add("/here", Page(location=there)), target)

    assert target.read_bytes() == CONTENT
    assert page.asked[1]["Range"] == "bytes=30000-"


@pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://127.0.0.1/file", "/here"])
def test_a_redirect_to_a_file_to_another_scheme_or_round_in_circles_is_not_followed(
    site: Site, target: Path, where: str
) -> None:
    url = site.add("/here", Page(location=where))

    with pytest.raises(InfrastructureError, match="found a redirect that is not followed"):
        get(url, target)

    assert left(target) == set()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine, good for one test."""
    path = tmp_path / "certificate.pem"
    done = subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(path)),
        ],
        check=False,
        capture_output=True,
    )
    if done.returncode != 0:
        pytest.skip("openssl makes no certificate here")
    return path


@pytest.fixture
def safe_site(certificate: Path) -> Iterator[Site]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with serving(context) as one:
        yield one


def test_https_is_never_left_for_http(
    site: Site, safe_site: Site, certificate: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    safe = safe_site.add("/file", Page(CONTENT))
    detour = safe_site.add("/here", Page(location=site.add("/there", Page(CONTENT))))

    with pytest.raises(InfrastructureError, match=r"a redirect that is not followed: http://"):
        get(detour, target)

    assert left(target) == set()
    assert get(safe, target).read_bytes() == CONTENT


def test_a_certificate_that_nobody_knows_is_refused(safe_site: Site, target: Path) -> None:
    with pytest.raises(InfrastructureError, match="no certificate that can be trusted") as caught:
        get(safe_site.add("/file", Page(CONTENT)), target)

    assert "REQUESTS_CA_BUNDLE" in str(caught.value.hint)


def test_a_file_for_which_there_is_no_room_is_not_begun(site: Site, target: Path) -> None:
    huge = 2**60

    with pytest.raises(
        InfrastructureError, match=rf"found room for \d+ of the {huge} bytes to come"
    ) as caught:
        get(site.add("/file", Page(CONTENT, announced=huge)), target)

    assert "PAWGRADE_CACHE" in str(caught.value.hint)
    assert left(target) == set()


def test_a_disk_that_fills_up_is_said_so_and_what_came_is_kept(site: Site, target: Path) -> None:
    resource = pytest.importorskip("resource")
    url = site.add("/file", Page(CONTENT, etag='"1"'))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, hard))  # stands for a disk with so much room
    try:
        with pytest.raises(InfrastructureError, match=r"found no more room after \d+ bytes") as caught:
            get(url, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert "Make room" in str(caught.value.hint)
    assert (target.parent / "file.bin.part").read_bytes() == CONTENT[:70_000]
    assert get(url, target).read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written_is_said_so(site: Site, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")

    with pytest.raises(InfrastructureError, match="cannot be written") as caught:
        get(site.add("/file", Page(CONTENT)), tmp_path / "cache" / "file.bin")

    assert "PAWGRADE_CACHE" in str(caught.value.hint)


def test_two_at_once_download_a_file_once(site: Site, target: Path) -> None:
    page = Page(CONTENT[:200], drip_s=0.001)
    url = site.add("/file", page)
    patience = Patience(stall_s=5)
    both = [
        threading.Thread(target=get, args=(url, target, page), kwargs={"patience": patience}) for _ in "ab"
    ]

    for one in both:
        one.start()
    for one in both:
        one.join()

    assert target.read_bytes() == page.content
    assert len(page.asked) == 1


def test_progress_is_silent_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with fetch.progress("weights") as tell:
        tell(10, 100)
        tell(100, None)

    assert capsys.readouterr() == ("", "")


def test_progress_is_a_bar_in_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TTY_COMPATIBLE": "1", "TERM": "xterm", "COLUMNS": "100"}.items():
        monkeypatch.setenv(name, value)

    with fetch.progress("weights") as tell:
        tell(5_000_000, 10_000_000)

    out, err = capsys.readouterr()
    assert out == ""
    assert "weights" in err
    assert "5.0/10.0 MB" in err


def test_progress_is_a_line_a_tenth_in_a_notebook(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)

    with fetch.progress("weights") as tell:
        for done in range(0, 100 * 2**20 + 1, 2**20):
            tell(done, 100 * 2**20)

    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"weights: {number} of 100 MiB" for number in range(0, 101, 10)]


def test_progress_in_a_notebook_does_without_a_known_length(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)

    with fetch.progress("weights") as tell:
        for done in range(0, 200 * 2**20, 2**24):
            tell(done, None)

    assert capsys.readouterr().out.splitlines()[:2] == ["weights: 0 MiB", "weights: 64 MiB"]
