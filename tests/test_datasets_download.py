"""The download, from a server on this very machine: good, cut off, changed, dangerous archives."""

import hashlib
import io
import stat
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from PIL import Image

from cnn_basics.datasets import download, downloading, load_folder


def picture(colour):
    file = io.BytesIO()
    Image.new("RGB", (9, 9), colour).save(file, "JPEG")
    return file.getvalue()


def zipped(files):
    """An archive of names and contents; a name may come as a whole ZipInfo."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


GOOD = zipped(
    {"readme[1].txt": "hello", "PetImages/": ""}
    | {f"PetImages/Cat/{n}.jpg": picture((n, 0, 0)) for n in range(40)}
    | {f"PetImages/Dog/{n}.jpg": picture((0, n, 0)) for n in range(40)}
)
CHUNK = 500  # small, so that little of a connection that is cut gets lost
HALF = 60 * CHUNK
PART = "pets v1.zip.part"


class Handler(BaseHTTPRequestHandler):
    """Answers every request with the server's `content`; notes what was asked for."""

    def do_GET(self):
        server = self.server
        begin = int(self.headers.get("Range", "bytes=0-").split("=")[1].rstrip("-"))
        server.asked.append(begin)
        status, content, headers = 200, server.content, dict(server.headers)
        if self.path.startswith("/some/moved"):
            status, content, headers = 302, b"", {"Location": server.address}
        elif server.status is not None:
            status, content = server.status, b"no"
        elif begin >= len(content):
            status, content = 416, b""
        elif begin and server.rest:
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            status, content = server.rest, content[begin:]
        if server.says_length:
            headers["Content-Length"] = str(len(content))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: server.stop_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.address = f"http://127.0.0.1:{server.server_port}/some/pets%20v1.zip"
        server.content, server.headers, server.says_length, server.asked = GOOD, {}, True, []
        server.stop_after = None  # bytes of an answer after which the connection is cut
        server.rest = 206  # the status of the rest of a file; None: there is only the whole
        server.status = None
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def fetch(server, tmp_path, monkeypatch):
    """Download from the server into `pets`, and give the folder."""
    monkeypatch.setenv("CNN_BASICS_CACHE", str(tmp_path / "kept"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr(downloading, "CHUNK", CHUNK)

    def call(folder=tmp_path / "pets", content=GOOD, **options):
        sha256 = hashlib.sha256(content).hexdigest()
        given = {"address": server.address, "size": len(content), "sha256": sha256}
        return download(folder, **given | {"progress": False} | options)

    return call


@pytest.fixture
def half(fetch, server):
    """The first half is here; then the connection broke."""
    server.stop_after = HALF
    with pytest.raises(ConnectionError, match=f"{HALF:,} of {len(GOOD):,} bytes are here"):
        fetch()
    server.stop_after = None


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_fetched_once_unpacked_loaded(fetch, server, tmp_path):
    folder = fetch()
    assert folder == tmp_path / "pets" / "pets v1"
    assert names(folder) == ["PetImages", "readme[1].txt"]
    assert names(folder.parent) == ["pets v1"]  # neither archive nor folder aside are left
    assert (folder / "PetImages/Cat/7.jpg").read_bytes() == picture((7, 0, 0))
    assert load_folder(folder, 8).labels.bincount().tolist() == [40, 40]
    assert fetch() == folder
    assert server.asked == [0]


def test_by_default_in_the_cache_or_below_home_with_a_bar(fetch, tmp_path, capsys):
    assert fetch(None) == tmp_path / "kept" / "downloads" / "pets v1"
    assert capsys.readouterr() == ("", "")
    capitals = hashlib.sha256(GOOD).hexdigest().upper()
    assert fetch("~/here", sha256=capitals, progress=True) == tmp_path / "here" / "pets v1"
    assert "downloading: 100%" in capsys.readouterr().err


def test_the_public_set_is_the_default(fetch, monkeypatch):
    monkeypatch.setattr(requests, "get", None)
    monkeypatch.setattr(downloading, "_fetch", lambda *given: pytest.fail(repr(given[1:3])))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10**12}))
    with pytest.raises(pytest.fail.Exception, match=r"kagglecatsanddogs_5340\.zip', 824887076"):
        download()


def test_goes_on_where_it_stopped(half, fetch, server, tmp_path):
    assert names(tmp_path / "pets") == [PART]
    server.stop_after = 2 * CHUNK + 3
    with pytest.raises(ConnectionError, match=f"{HALF + 2 * CHUNK:,} of .* where it stopped"):
        fetch()
    server.stop_after = None
    fetch(address=server.address.replace("/some/", "/some/moved/"))
    assert server.asked == [0, HALF, HALF + 2 * CHUNK, HALF + 2 * CHUNK]


@pytest.mark.parametrize("rest", [None, 200])
def test_a_server_that_knows_no_ranges_or_the_wrong_status(half, fetch, server, rest):
    server.rest = rest
    assert len(names(fetch() / "PetImages/Dog")) == 40


@pytest.mark.parametrize("says", ["length", "kind"])
def test_a_page_to_log_in_is_not_taken_for_the_archive(half, fetch, server, tmp_path, says):
    server.content, server.rest = b"<html>Log in to the WiFi</html>" + b" " * len(GOOD), None
    server.says_length = says == "length"
    server.headers = {} if says == "length" else {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(ConnectionError, match=f"something else, perhaps a page.* {HALF:,} of"):
        fetch()
    (tmp_path / "pets" / PART).unlink()
    with pytest.raises(ConnectionError, match=r"perhaps a page to log in.* 0 of"):
        fetch()
    server.content, server.headers, server.rest = GOOD, {}, 206
    fetch()
    assert server.asked == [0, HALF, 0, 0]


def test_a_file_that_ends_too_early_on_the_server(fetch, server):
    server.content, server.says_length = GOOD[:HALF], False
    with pytest.raises(ConnectionError, match=f"ended too early.*{HALF:,} of"):
        fetch()
    with pytest.raises(ConnectionError, match=f"; 0 of {len(GOOD):,}"):
        fetch()  # the server has no more: what is here is given up
    server.content = GOOD
    fetch()


def test_stopped_by_hand(fetch, server, tmp_path, monkeypatch):
    def stop(self, address, file, _):
        file.write(GOOD[:HALF])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pooch.HTTPDownloader.__call__", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch()
    assert names(tmp_path / "pets") == [PART]
    fetch()
    assert server.asked == [HALF]


def test_stopped_while_unpacking(fetch, server, tmp_path, monkeypatch):
    """No half folder under its name; the archive is kept, and unpacked anew."""
    aside = tmp_path / "pets" / ".pets v1.unpacking"

    def stop(archive, path):
        (aside / "PetImages").mkdir(parents=True)
        (aside / "PetImages" / "half.jpg").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "extractall", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch()
    assert names(tmp_path / "pets") == [aside.name, PART]
    assert names(fetch() / "PetImages") == ["Cat", "Dog"]
    assert server.asked == [0]
    assert names(tmp_path / "pets") == ["pets v1"]


@pytest.mark.parametrize("status", [403, 404, 503])
def test_refused_by_the_server(half, fetch, server, status):
    server.status = status
    with pytest.raises(ConnectionError, match=rf"{status}.*{HALF:,} of"):
        fetch()
    server.status = None
    fetch()


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/pets.zip", "pets.zip"])
def test_nobody_there(fetch, address):
    with pytest.raises(ConnectionError, match=r"could not be fetched .* check the connection"):
        fetch(address=address)


def test_a_changed_archive_or_the_beginning_of_another_is_refused(fetch, server, tmp_path):
    server.content = GOOD[:HALF] + bytes([GOOD[HALF] ^ 1]) + GOOD[HALF + 1 :]
    with pytest.raises(ValueError, match=r"expected an archive with the SHA-256 .* removed"):
        fetch()
    assert names(tmp_path / "pets") == []
    server.content = GOOD
    (tmp_path / "pets" / PART).write_bytes(b"x" * HALF)
    with pytest.raises(ValueError, match="SHA-256"):
        fetch()
    fetch()
    assert server.asked == [0, HALF, 0]


def test_no_room(fetch, server):
    with pytest.raises(OSError, match=r"room for 2000000000\.0 GB in .*pets"):
        fetch(size=10**18)
    assert server.asked == []


def test_nothing_is_written_outside_of_the_folder(fetch, server, tmp_path):
    link = zipfile.ZipInfo("PetImages/Dog")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    odd = ["../evil.txt", "PetImages/../../evil.txt", "/evil.txt", "..\\evil.txt", "C:evil.txt"]
    server.content = zipped(dict.fromkeys(odd, "evil") | {"a/1.jpg": "a", link: str(tmp_path)})
    folder = fetch(content=server.content)
    assert names(tmp_path / "pets") == [folder.name]
    assert all(folder in path.parents for path in tmp_path.rglob("*evil*"))
    assert not (folder / "PetImages" / "Dog").is_symlink()
