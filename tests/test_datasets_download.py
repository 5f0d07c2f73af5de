"""The download, from a server on this very machine: good, cut off, changed, dangerous archives."""

import hashlib
import io
import stat
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from PIL import Image

from cnn_basics.datasets import download, downloading, load_folder, unpacking
from cnn_basics.datasets.unpacking import unpack


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


class Server:
    """Answers every request with `content`; notes what was asked for."""

    def __init__(self):
        self.content = GOOD
        self.stop_after = None  # bytes of an answer after which the connection is cut
        self.ranges = True
        self.status = None
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
        if handler.path.startswith("/some/moved"):
            handler.send_response(302)
            handler.send_header("Location", self.address)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        status, content = 200, self.content
        if self.status is not None:
            status, content = self.status, b"no"
        elif begin >= len(content):
            status, content = 416, b""
        elif begin and self.ranges:
            status, content = 206, content[begin:]
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
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


def names(folder):
    return sorted(path.name for path in folder.iterdir())


class TestGood:
    def test_fetched_unpacked_loaded(self, fetch, tmp_path):
        folder = fetch()
        assert folder == tmp_path / "pets" / "pets v1"
        assert names(folder) == ["PetImages", "readme[1].txt"]
        assert names(folder.parent) == ["pets v1"]  # neither archive nor folder aside are left
        assert (folder / "PetImages/Cat/7.jpg").read_bytes() == picture((7, 0, 0))
        loaded = load_folder(folder, 8)
        assert loaded.class_names == ("Cat", "Dog")
        assert loaded.labels.bincount().tolist() == [40, 40]

    def test_fetched_once(self, fetch, server):
        first = fetch()
        assert server.asked == [0]
        assert fetch() == first
        assert server.asked == [0]

    def test_by_default_in_the_cache(self, fetch, kept):
        assert fetch(None) == kept / "downloads" / "pets v1"

    def test_home_and_capitals(self, fetch, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        folder = fetch("~/here", sha256=hashlib.sha256(GOOD).hexdigest().upper())
        assert folder == tmp_path / "here" / "pets v1"

    def test_an_address_that_moved(self, fetch, server):
        moved = server.address.replace("/some/", "/some/moved/")
        assert names(fetch(address=moved)) == ["PetImages", "readme[1].txt"]

    def test_a_bar(self, fetch, capsys):
        fetch(progress=True)
        assert "downloading: 100%" in capsys.readouterr().err
        fetch()
        assert capsys.readouterr() == ("", "")

    def test_the_public_set_is_the_default(self, monkeypatch):
        monkeypatch.setattr(requests, "get", None)
        monkeypatch.setattr(downloading, "_fetch", lambda *given: pytest.fail(repr(given[1:3])))
        monkeypatch.setattr(downloading, "_require_room", lambda *_: None)
        with pytest.raises(pytest.fail.Exception, match=r"kagglecatsanddogs_5340\.zip', 824887076"):
            download()


class TestInterrupted:
    def test_cut_off_then_gone_on(self, fetch, server, tmp_path):
        server.stop_after = HALF
        with pytest.raises(ConnectionError, match=f"{HALF:,} of {len(GOOD):,} bytes are here"):
            fetch()
        assert names(tmp_path / "pets") == ["pets v1.zip.part"]
        server.stop_after = 2 * CHUNK + 3
        with pytest.raises(
            ConnectionError, match=f"{HALF + 2 * CHUNK:,} of .* goes on where it stopped"
        ):
            fetch()
        server.stop_after = None
        assert len(names(fetch() / "PetImages/Cat")) == 40
        assert server.asked == [0, HALF, HALF + 2 * CHUNK]

    def test_gone_on_by_way_of_another_address(self, fetch, server):
        server.stop_after = HALF
        with pytest.raises(ConnectionError):
            fetch()
        server.stop_after = None
        fetch(address=server.address.replace("/some/", "/some/moved/"))
        assert server.asked == [0, HALF, HALF]

    def test_a_server_that_begins_again(self, fetch, server):
        server.stop_after, server.ranges = HALF, False
        with pytest.raises(ConnectionError):
            fetch()
        server.stop_after = None
        assert len(names(fetch() / "PetImages/Dog")) == 40

    def test_the_archive_is_short_on_the_server(self, fetch, server, tmp_path):
        server.content = GOOD[:HALF]
        with pytest.raises(ConnectionError, match=f"ended too early.*{HALF:,} of"):
            fetch()
        with pytest.raises(ConnectionError, match=f"; 0 of {len(GOOD):,}"):
            fetch()  # the server has no more: what is here is given up
        assert names(tmp_path / "pets") == ["pets v1.zip.part"]
        server.content = GOOD
        assert len(names(fetch() / "PetImages/Dog")) == 40

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
        copied = []

        def stop(source, target):
            copied.append(target)
            if len(copied) == 9:
                raise KeyboardInterrupt
            target.write(source.read())

        with monkeypatch.context() as patch:
            patch.setattr(unpacking.shutil, "copyfileobj", stop)
            with pytest.raises(KeyboardInterrupt):
                fetch()
        assert names(tmp_path / "pets") == ["pets v1.zip.part"]
        fetch()
        assert server.asked == [0]  # the archive was whole
        assert names(tmp_path / "pets") == ["pets v1"]

    def test_killed_while_unpacking(self, fetch, tmp_path):
        aside = tmp_path / "pets" / ".pets v1.unpacking"
        (aside / "PetImages" / "Cat").mkdir(parents=True)
        (aside / "PetImages" / "Cat" / "old.jpg").touch()
        folder = fetch()
        assert not (folder / "PetImages/Cat/old.jpg").exists()
        assert names(tmp_path / "pets") == ["pets v1"]

    @pytest.mark.parametrize("status", [403, 404, 503])
    def test_refused_by_the_server(self, fetch, server, tmp_path, status):
        server.stop_after = HALF
        with pytest.raises(ConnectionError):
            fetch()
        server.stop_after, server.status = None, status
        with pytest.raises(ConnectionError, match=rf"{status}.*{HALF:,} of"):
            fetch()
        server.status = None
        fetch()

    def test_nobody_there(self, fetch, server):
        server.close()
        with pytest.raises(ConnectionError, match=r"could not be fetched .* check the connection"):
            fetch()
        server.__init__()  # for the fixture to close

    def test_no_address(self, fetch):
        with pytest.raises(ConnectionError, match="could not be fetched"):
            fetch(address="pets.zip")


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

    def test_no_room(self, fetch, server, tmp_path):
        with pytest.raises(OSError, match=r"pets has room for .* GB, expected 2000000000\.0 GB"):
            fetch(size=10**18)
        assert server.asked == []

    @pytest.mark.parametrize(
        "name",
        [
            "../evil.txt",
            "PetImages/../../evil.txt",
            "/evil.txt",
            "..\\evil.txt",
            "PetImages\\..\\..\\evil.txt",
            "C:\\evil.txt",
            "C:evil.txt",
            "\\\\server\\share\\evil.txt",
            "\\evil.txt",
            "cat.jpg:evil",
            ".",
        ],
    )
    def test_a_name_that_points_out(self, fetch, server, tmp_path, name):
        server.content = zipped({"PetImages/Cat/1.jpg": picture("red"), name: "evil"})
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(ValueError, match="which points out of the folder, expected files"):
            fetch(content=server.content)
        (tmp_path / "pets" / "pets v1.zip.part").unlink()
        (tmp_path / "pets").rmdir()  # nothing else is in it
        assert sorted(tmp_path.rglob("*")) == before

    @pytest.mark.parametrize(
        ("kind", "words"), [(stat.S_IFLNK, "a link"), (stat.S_IFIFO, "no plain file")]
    )
    def test_a_link(self, tmp_path, kind, words):
        link = zipfile.ZipInfo("PetImages/Cat")
        link.external_attr = (kind | 0o777) << 16
        (tmp_path / "a.zip").write_bytes(zipped({link: "/etc"}))
        with pytest.raises(ValueError, match=f"'PetImages/Cat', which is {words}"):
            unpack(tmp_path / "a.zip", tmp_path / "a")
        assert names(tmp_path) == ["a.zip"]


class TestUnpack:
    def test_damaged(self, tmp_path):
        place = GOOD.index(picture((30, 0, 0))) + 200
        damaged = GOOD[:place] + bytes([GOOD[place] ^ 1]) + GOOD[place + 1 :]
        for content in (damaged, GOOD[:-50], b"", b"hello"):
            (tmp_path / "a.zip").write_bytes(content)
            with pytest.raises(ValueError, match=r"a\.zip is no whole zip archive"):
                unpack(tmp_path / "a.zip", tmp_path / "a")
            assert names(tmp_path) == ["a.zip"]

    def test_never_over_what_is_there(self, tmp_path):
        (tmp_path / "a").mkdir()
        (tmp_path / "a.zip").write_bytes(GOOD)
        with pytest.raises(FileExistsError, match="a is there already, expected a new name"):
            unpack(tmp_path / "a.zip", tmp_path / "a")

    def test_no_half_folder_under_its_name(self, tmp_path, monkeypatch):
        """While files are written, the folder is not there yet."""
        seen = []

        def look(source, target):
            seen.append((tmp_path / "a").exists())
            target.write(source.read())

        (tmp_path / "a.zip").write_bytes(GOOD)
        monkeypatch.setattr(unpacking.shutil, "copyfileobj", look)
        assert len(names(Path(unpack(tmp_path / "a.zip", tmp_path / "a"), "PetImages/Cat"))) == 40
        assert seen == [False] * 81
