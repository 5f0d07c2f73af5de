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
LOGIN = b"<html>Log in to the WiFi</html>"


class Server:
    """Answers every request with `content`; notes what was asked for."""

    def __init__(self):
        self.content = GOOD
        self.stop_after = None  # bytes of an answer after which the connection is cut
        self.rest = 206  # the status of the rest of a file; None: there is only the whole
        self.status = None
        self.headers = {}
        self.says_length = True
        self.asked = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.answer(self)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.http.server_port}/some/pets%20v1.zip"

    def answer(self, handler):
        begin = int(handler.headers.get("Range", "bytes=0-").split("=")[1].rstrip("-"))
        self.asked.append(begin)
        status, content, headers = 200, self.content, dict(self.headers)
        if handler.path.startswith("/some/moved"):
            status, content, headers = 302, b"", {"Location": self.address}
        elif self.status is not None:
            status, content = self.status, b"no"
        elif begin >= len(content):
            status, content = 416, b""
        elif begin and self.rest:
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            status, content = self.rest, content[begin:]
        if self.says_length:
            headers["Content-Length"] = str(len(content))
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content[: self.stop_after])

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("CNN_BASICS_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(downloading, "CHUNK", CHUNK)
    return tmp_path / "kept"


@pytest.fixture
def fetch(server, tmp_path):
    def call(folder=tmp_path / "pets", content=GOOD, **options):
        given = {
            "address": server.address,
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "progress": False,
        }
        return download(folder, **given | options)

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


class TestGood:
    def test_fetched_once_unpacked_loaded(self, fetch, server, tmp_path):
        folder = fetch()
        assert folder == tmp_path / "pets" / "pets v1"
        assert names(folder) == ["PetImages", "readme[1].txt"]
        assert names(folder.parent) == ["pets v1"]  # neither archive nor folder aside are left
        assert (folder / "PetImages/Cat/7.jpg").read_bytes() == picture((7, 0, 0))
        assert load_folder(folder, 8).labels.bincount().tolist() == [40, 40]
        assert fetch() == folder
        assert server.asked == [0]

    def test_by_default_in_the_cache(self, fetch, kept):
        assert fetch(None) == kept / "downloads" / "pets v1"

    def test_home_and_capitals(self, fetch, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        folder = fetch("~/here", sha256=hashlib.sha256(GOOD).hexdigest().upper())
        assert folder == tmp_path / "here" / "pets v1"

    def test_a_bar(self, fetch, capsys):
        fetch(progress=True)
        assert "downloading: 100%" in capsys.readouterr().err
        fetch()
        assert capsys.readouterr() == ("", "")

    def test_the_public_set_is_the_default(self, monkeypatch):
        monkeypatch.setattr(requests, "get", None)
        monkeypatch.setattr(downloading, "_fetch", lambda *given: pytest.fail(repr(given[1:3])))
        monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10**12}))
        with pytest.raises(pytest.fail.Exception, match=r"kagglecatsanddogs_5340\.zip', 824887076"):
            download()


class TestInterrupted:
    def test_goes_on_where_it_stopped(self, half, fetch, server, tmp_path):
        assert names(tmp_path / "pets") == ["pets v1.zip.part"]
        server.stop_after = 2 * CHUNK + 3
        with pytest.raises(ConnectionError, match=f"{HALF + 2 * CHUNK:,} of .* where it stopped"):
            fetch()
        server.stop_after = None
        fetch(address=server.address.replace("/some/", "/some/moved/"))
        assert server.asked == [0, HALF, HALF + 2 * CHUNK, HALF + 2 * CHUNK]

    @pytest.mark.parametrize("rest", [None, 200])
    def test_a_server_that_knows_no_ranges_or_the_wrong_status(self, half, fetch, server, rest):
        server.rest = rest
        assert len(names(fetch() / "PetImages/Dog")) == 40

    @pytest.mark.parametrize("says", ["length", "kind"])
    def test_a_page_to_log_in_is_not_taken_for_the_archive(
        self, half, fetch, server, tmp_path, says
    ):
        server.content, server.rest = LOGIN + b" " * len(GOOD), None
        server.says_length = says == "length"
        server.headers = {} if says == "length" else {"Content-Type": "text/html; charset=utf-8"}
        with pytest.raises(ConnectionError, match=f"something else, perhaps a page.* {HALF:,} of"):
            fetch()
        (tmp_path / "pets" / "pets v1.zip.part").unlink()
        with pytest.raises(ConnectionError, match=r"perhaps a page to log in.* 0 of"):
            fetch()
        server.content, server.headers, server.rest = GOOD, {}, 206
        fetch()
        assert server.asked == [0, HALF, 0, 0]

    def test_a_file_that_ends_too_early_on_the_server(self, fetch, server):
        server.content, server.says_length = GOOD[:HALF], False
        with pytest.raises(ConnectionError, match=f"ended too early.*{HALF:,} of"):
            fetch()
        with pytest.raises(ConnectionError, match=f"; 0 of {len(GOOD):,}"):
            fetch()  # the server has no more: what is here is given up
        server.content = GOOD
        fetch()

    def test_stopped_by_hand(self, fetch, server, tmp_path, monkeypatch):
        class Stop:
            def __init__(self, *_, **__):
                pass

            def __call__(self, address, file, _):
                file.write(GOOD[:HALF])
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("pooch.HTTPDownloader", Stop)
            with pytest.raises(KeyboardInterrupt):
                fetch()
        assert names(tmp_path / "pets") == ["pets v1.zip.part"]
        fetch()
        assert server.asked == [HALF]

    def test_stopped_while_unpacking(self, fetch, server, tmp_path, monkeypatch):
        """No half folder under its name; the archive is kept, and unpacked anew."""
        aside = tmp_path / "pets" / ".pets v1.unpacking"

        def stop(archive, path):
            (aside / "PetImages" / "Cat").mkdir(parents=True)
            (aside / "PetImages" / "Cat" / "half.jpg").touch()
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(zipfile.ZipFile, "extractall", stop)
            with pytest.raises(KeyboardInterrupt):
                fetch()
        assert names(tmp_path / "pets") == [".pets v1.unpacking", "pets v1.zip.part"]
        folder = fetch()
        assert server.asked == [0]
        assert not (folder / "PetImages/Cat/half.jpg").exists()
        assert names(tmp_path / "pets") == ["pets v1"]

    @pytest.mark.parametrize("status", [403, 404, 503])
    def test_refused_by_the_server(self, half, fetch, server, status):
        server.status = status
        with pytest.raises(ConnectionError, match=rf"{status}.*{HALF:,} of"):
            fetch()
        server.status = None
        fetch()

    @pytest.mark.parametrize("address", ["http://127.0.0.1:9/pets.zip", "pets.zip"])
    def test_nobody_there(self, fetch, address):
        with pytest.raises(ConnectionError, match=r"could not be fetched .* check the connection"):
            fetch(address=address)


class TestRefused:
    def test_changed(self, fetch, server, tmp_path):
        server.content = GOOD[:HALF] + bytes([GOOD[HALF] ^ 1]) + GOOD[HALF + 1 :]
        with pytest.raises(ValueError, match=r"expected an archive with the SHA-256 .* removed"):
            fetch()
        assert names(tmp_path / "pets") == []
        server.content = GOOD
        fetch()
        assert server.asked == [0, 0]

    def test_a_beginning_that_belongs_to_another(self, fetch, server, tmp_path):
        (tmp_path / "pets").mkdir()
        (tmp_path / "pets" / "pets v1.zip.part").write_bytes(b"x" * HALF)
        with pytest.raises(ValueError, match="SHA-256"):
            fetch()
        fetch()
        assert server.asked == [HALF, 0]

    def test_no_room(self, fetch, server):
        with pytest.raises(OSError, match=r"room for 2000000000\.0 GB in .*pets"):
            fetch(size=10**18)
        assert server.asked == []

    def test_nothing_is_written_outside_of_the_folder(self, fetch, server, tmp_path):
        link = zipfile.ZipInfo("PetImages/Dog")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        odd = ["../evil.txt", "PetImages/../../evil.txt", "/evil.txt", "..\\evil.txt", "C:evil.txt"]
        files = dict.fromkeys(odd, "evil") | {"PetImages/Cat/1.jpg": "cat", link: str(tmp_path)}
        server.content = zipped(files)
        folder = fetch(content=server.content)
        assert names(tmp_path / "pets") == [folder.name]
        outside = [path for path in tmp_path.rglob("*evil*") if folder not in path.parents]
        assert outside == []
        assert not (folder / "PetImages" / "Dog").is_symlink()
