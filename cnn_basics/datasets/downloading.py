"""A public set of 25,000 photos of cats and dogs, fetched once, checked, and unpacked."""

from __future__ import annotations

import os
import shutil
from os import PathLike
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cnn_basics.expect import expect

CACHE_VARIABLE = "CNN_BASICS_CACHE"
ADDRESS = (
    "https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/"
    "kagglecatsanddogs_5340.zip"
)
SIZE = 824_887_076  # bytes
SHA256 = "b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9"
CHUNK = 1 << 18  # bytes that are written at a time


def cache_folder() -> Path:
    """Name the folder for what can be made or downloaded again; it need not exist yet."""
    import platformdirs

    chosen = os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("cnn-basics")
    return Path(chosen).expanduser().absolute()


def download(
    folder: str | PathLike[str] | None = None,
    *,
    address: str = ADDRESS,
    size: int = SIZE,
    sha256: str = SHA256,
    progress: bool = True,
) -> Path:
    """Fetch the public set of 25,000 photos of cats and dogs, unless it is there already.

    It is an archive of 825 MB that takes about as much again when unpacked. An interrupted
    download goes on where it stopped; only an archive of the right checksum is unpacked, and
    the folder appears when all files are in it. The archive is then removed.

    Args:
        folder: Where to put it; None for the user's cache folder, or the one that the
            environment variable CNN_BASICS_CACHE names.
        address: Of a zip archive, `https://…`.
        size: Its size in bytes.
        sha256: Its SHA-256 checksum, 64 hexadecimal digits.
        progress: Show a bar.

    Returns:
        The folder with the unpacked files: `load_folder(download(), size=64)` reads them.

    Raises:
        ConnectionError, OSError, ValueError: It cannot be reached, there is not enough room, or
            what came is not what was promised.
    """
    import pooch

    parent = Path(folder).expanduser() if folder is not None else cache_folder() / "downloads"
    name = Path(unquote(urlsplit(address).path)).name
    target = parent / Path(name).stem
    if target.is_dir():
        return target
    parent.mkdir(parents=True, exist_ok=True)
    free, fix = shutil.disk_usage(parent).free, "free some, or name a folder on another disk"
    what = f"room for {2 * size / 1e9:.1f} GB in {parent}, for the archive and its files"
    expect(free >= 2 * size, what, f"{free / 1e9:.1f} GB", fix, OSError)

    part = parent / f"{name}.part"
    _fetch(part, address, size, progress)
    got = pooch.file_hash(str(part), alg="sha256")
    if got != sha256.lower():
        part.unlink()
        what = f"an archive with the SHA-256 checksum {sha256} from {address}"
        fix = "it was removed, so call download again, or from another network"
        raise ValueError(f"expected {what}, got {got}: {fix}")
    aside = parent / f".{target.name}.unpacking"
    shutil.rmtree(aside, ignore_errors=True)  # of a call that was stopped
    pooch.get_logger().setLevel("WARNING")
    pooch.Unzip(extract_dir=aside.name)(str(part), "download", None)  # never writes outside of it
    os.replace(aside, target)
    part.unlink()
    return target


def _fetch(part: Path, address: str, size: int, progress: bool) -> None:
    """Append to a file what is missing of it, or begin anew if the server has no parts."""
    import pooch
    import requests
    from tqdm.auto import tqdm

    def begin(response: requests.Response, **_: object) -> None:
        """Look at the answer before a byte of it is written."""
        if response.is_redirect or response.status_code not in (200, 206, 416):
            return
        goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {file.tell()}-")
        length = response.headers.get("Content-Length")
        is_other = length is not None and int(length) + file.tell() * goes_on != size
        if response.ok and (is_other or "html" in response.headers.get("Content-Type", "")):
            raise requests.ConnectionError("it offers something else, perhaps a page to log in")
        if not goes_on:  # what is here is of no use
            file.truncate(0)

    try:
        with open(part, "ab") as file:
            if file.tell() < size:
                headers = {"Accept-Encoding": "identity", "Range": f"bytes={file.tell()}-"}
                with tqdm(
                    desc="downloading", total=size, unit="B", unit_scale=True, disable=not progress
                ) as bar:
                    options = {"headers": headers, "hooks": {"response": begin}}
                    pooch.HTTPDownloader(bar, CHUNK, **options)(address, file, None)
            if file.tell() < size:
                raise requests.ConnectionError("it ended too early")
    except requests.RequestException as error:
        raise ConnectionError(
            f"{address} could not be fetched ({error}); {part.stat().st_size:,} of {size:,} bytes "
            "are here: check the connection and call download again, it goes on where it stopped"
        ) from error
