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


def zipped(files):
    """An archive of names and contents; a name may come as a whole ZipInfo."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def picture(colour):
    file = io.BytesIO()
    Image.new("RGB", (9, 9), colour).save(file, "JPEG")
    return file.getvalue()


GOOD = zipped(
    {"readme[1].txt": "hello", "PetImages/": ""}
    | {f"PetImages/{species}/{n}.jpg": picture((n, 0, 0)) for species in "CD" for n in range(40)}
)
CHUNK = 500  # small, so that little of a connection that is cut gets lost
HALF = 60 * CHUNK
ALL = len(GOOD)
PAGE = b"<html>Log in to the WiFi</html>"
CHANGED = GOOD[:HALF] + bytes([GOOD[HALF] ^ 1]) + GOOD[HALF + 1 :]


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's table says; notes which byte was asked for first."""

    def do_GET(self):
        begin = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self.server.asked.append(begin)
        answer = {"content": GOOD, "status": 206, "headers": {}, "length": True, "cut": None}
        answer |= self.server.answer
        status, content, headers = answer["status"], answer["content"], dict(answer["headers"])
        if self.path.startswith("/moved"):
            status, content, headers = 302, b"", {"Location": self.server.address}
        elif answer.get("range", True) and begin >= len(content):
            status, content, headers = 416, b"no", {"Content-Range": f"bytes */{len(content)}"}
        elif answer.get("range", True) and begin:
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            content = content[begin:]
        if answer["length"]:
            headers["Content-Length"] = str(len(content))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: answer["cut"]])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.address = f"http://127.0.0.1:{server.server_port}/some/pets%20v1.zip"
        server.answer, server.asked = {}, []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def fetch(server, tmp_path, monkeypatch):
    """Download from the server, which gives an answer, into `pets`."""
    monkeypatch.setenv("CNN_BASICS_CACHE", str(tmp_path / "kept"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr(downloading, "CHUNK", CHUNK)

    def call(folder=tmp_path / "pets", expected=GOOD, options=(), **answer):
        server.answer = answer
        given = {"size": len(expected), "sha256": hashlib.sha256(expected).hexdigest()}
        given |= {"address": server.address, "progress": False} | dict(options)
        return download(folder, **given)

    return call


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_fetched_once_unpacked_loaded(fetch, server, tmp_path, capsys):
    folder = fetch()
    assert folder == tmp_path / "pets" / "pets v1"
    assert names(folder) == ["PetImages", "readme[1].txt"]
    assert names(folder.parent) == ["pets v1"]  # neither archive nor folder aside are left
    assert (folder / "PetImages/C/7.jpg").read_bytes() == picture((7, 0, 0))
    assert load_folder(folder, 8).labels.bincount().tolist() == [40, 40]
    assert fetch() == folder
    assert server.asked == [0]
    assert fetch(None) == tmp_path / "kept" / "downloads" / "pets v1"
    assert capsys.readouterr() == ("", "")
    options = {"sha256": hashlib.sha256(GOOD).hexdigest().upper(), "progress": True}
    assert fetch("~/here", options=options) == tmp_path / "here" / "pets v1"
    assert "downloading: 100%" in capsys.readouterr().err


def test_the_public_set_is_the_default(monkeypatch, tmp_path):
    monkeypatch.setattr(requests, "get", lambda address, **_: pytest.fail(address))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10**12}))
    with pytest.raises(pytest.fail.Exception, match=r"/kagglecatsanddogs_5340\.zip"):
        download(tmp_path)
    assert (downloading.SIZE, len(downloading.SHA256)) == (824887076, 64)


CUT = {"cut": HALF}
HTML = {"headers": {"Content-Type": "text/html; charset=utf-8"}}
FAULTS = [  # answers, one after the other, the last one refused; the sentence; bytes left of it
    ([CUT], "could not be fetched .* it goes on where it stopped", HALF),
    ([CUT, {"cut": 2 * CHUNK + 3}], "could not be fetched", HALF + 2 * CHUNK),
    ([CUT, {"cut": 2 * CHUNK, "range": False, "status": 200}], "be fetched", 2 * CHUNK),
    ([CUT, {"cut": 2 * CHUNK, "status": 200}], "be fetched", HALF + 2 * CHUNK),
    *[([*before, {"content": PAGE, "range": False} | more], "perhaps a page to log in", left)
      for before, left in [([], 0), ([CUT], HALF)]
      for more in [{"status": 200}, HTML | {"status": 200, "length": False}, HTML]],
    *[([CUT, {"status": status, "range": False}], rf"\({status} ", HALF)
      for status in (403, 404, 503)],
    ([{"content": GOOD[:HALF], "length": False}], "ended too early", HALF),
    ([{"content": GOOD[:HALF], "length": False}] * 2, "ended too early", 0),
    ([{"content": GOOD + b"more", "length": False}], "SHA-256 checksum .* got .* removed", None),
    ([{"content": CHANGED}], "SHA-256 checksum .* got .* removed", None),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "sentence", "left"), FAULTS)
def test_what_breaks_off_or_is_something_else_and_then_the_real_server(
    fetch, server, tmp_path, answers, sentence, left
):
    for answer in answers:
        with pytest.raises((ConnectionError, ValueError)) as caught:
            fetch(**answer)
    assert pytest.fail.Exception not in caught.type.__mro__
    caught.match(sentence)
    if left is not None:
        caught.match(f"; {left:,} of {ALL:,} bytes are here: check the connection and call")
    assert names(tmp_path / "pets") == ["pets v1.zip.part"] * (left is not None)
    options = {"address": server.address.replace("/some/", "/moved/")}
    assert names(fetch(options=options) / "PetImages") == ["C", "D"]
    assert server.asked[-1] == (left or 0)


@pytest.mark.parametrize("status", [200, 206])
@pytest.mark.parametrize("knows_ranges", [True, False])
def test_the_rest_or_the_whole_after_a_cut(fetch, server, status, knows_ranges):
    with pytest.raises(ConnectionError):
        fetch(cut=HALF)
    assert len(names(fetch(status=status, range=knows_ranges) / "PetImages/D")) == 40
    assert server.asked == [0, HALF]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/pets.zip", "pets.zip"])
def test_nobody_there(fetch, address):
    with pytest.raises(ConnectionError, match=r"could not be fetched .* check the connection"):
        fetch(options={"address": address})


def test_stopped_by_hand(fetch, server, tmp_path, monkeypatch):
    """No half folder under its name; what is here is kept, and used."""
    aside = tmp_path / "pets" / ".pets v1.unpacking"

    def while_it_comes(*_):
        yield GOOD[:HALF]
        raise KeyboardInterrupt

    def while_unpacking(*_):
        (aside / "PetImages" / "half").mkdir(parents=True)
        raise KeyboardInterrupt

    for owner, name, stop, left in [
        (requests.Response, "iter_content", while_it_comes, []),
        (zipfile.ZipFile, "extractall", while_unpacking, [aside.name]),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, stop)
            with pytest.raises(KeyboardInterrupt):
                fetch()
        assert names(tmp_path / "pets") == [*left, "pets v1.zip.part"]
    assert names(fetch() / "PetImages") == ["C", "D"]
    assert names(tmp_path / "pets") == ["pets v1"]
    assert server.asked == [0, HALF]


def test_the_beginning_of_another_archive_and_no_room(fetch, server, tmp_path):
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "pets v1.zip.part").write_bytes(b"x" * HALF)
    with pytest.raises(ValueError, match="SHA-256"):
        fetch()
    with pytest.raises(OSError, match=r"room for 2000000000\.0 GB in .*pets"):
        fetch(options={"size": 10**18})
    assert server.asked == [HALF]
    fetch()


def test_nothing_is_written_outside_of_the_folder(fetch, tmp_path):
    link = zipfile.ZipInfo("PetImages/Dog")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    odd = ["../evil.txt", "PetImages/../../evil.txt", "/evil.txt", "..\\evil.txt", "C:evil.txt"]
    content = zipped(dict.fromkeys(odd, "evil") | {"a/1.jpg": "a", link: str(tmp_path)})
    folder = fetch(expected=content, content=content)
    assert names(tmp_path / "pets") == [folder.name]
    assert all(folder in path.parents for path in tmp_path.rglob("*evil*"))
    assert not (folder / "PetImages" / "Dog").is_symlink()
