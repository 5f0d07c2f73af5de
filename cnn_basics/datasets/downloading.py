"""A public set of 25,000 photos of cats and dogs, fetched once, checked, and unpacked."""

from __future__ import annotations

import shutil
from os import PathLike
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from cnn_basics.datasets.cache import cache_folder
from cnn_basics.datasets.unpacking import unpack

ADDRESS = (
    "https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/"
    "kagglecatsanddogs_5340.zip"
)
SIZE = 824_887_076  # bytes
SHA256 = "b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9"
CHUNK = 1 << 18  # bytes that are written at a time
AGAIN = "call download again, it goes on where it stopped"


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
        progress: Show bars.

    Returns:
        The folder with the unpacked files, ready for `load_folder`.

    Raises:
        ConnectionError: It cannot be reached, or the connection broke off.
        OSError: There is not enough room.
        ValueError: What came is not what was promised, or the archive would write elsewhere.

    Example:
        `load_folder(download(), size=64)` gives all of them that can be read, `Cat` and `Dog`.
    """
    parent = Path(folder).expanduser() if folder is not None else cache_folder() / "downloads"
    name = Path(unquote(urlsplit(address).path)).name
    target = parent / Path(name).stem
    if target.is_dir():
        return target
    parent.mkdir(parents=True, exist_ok=True)
    _require_room(parent, size)
    archive = parent / f"{name}.part"
    _fetch(archive, address, size, progress)
    _require_checksum(archive, address, sha256)
    try:
        return unpack(archive, target, progress)
    finally:
        if target.is_dir():
            archive.unlink()


def _fetch(archive: Path, address: str, size: int, progress: bool) -> None:
    """Append to the archive what is missing of it."""
    import requests

    try:
        with open(archive, "ab") as file:
            if file.tell() < size:
                _append(file, address, size, progress)
            if file.tell() < size:
                raise requests.ConnectionError("it ended too early")
    except requests.RequestException as error:
        here = archive.stat().st_size
        raise ConnectionError(
            f"{address} could not be fetched ({error}); {here:,} of {size:,} bytes are here: "
            f"check the connection and {AGAIN}"
        ) from error


def _append(file: BinaryIO, address: str, size: int, progress: bool) -> None:
    """Ask the server for the rest of a file, or for all of it if it cannot give the rest."""
    import pooch
    import requests
    from tqdm.auto import tqdm

    whole = (requests.codes.ok, requests.codes.requested_range_not_satisfiable)

    def begin(response: requests.Response, **_: object) -> None:
        if response.status_code in whole:  # what is here is of no use
            file.truncate(0)

    headers = {"Accept-Encoding": "identity", "Range": f"bytes={file.tell()}-"}
    with tqdm(
        desc="downloading", total=size, unit="B", unit_scale=True, disable=not progress
    ) as bar:
        fetch = pooch.HTTPDownloader(bar, CHUNK, headers=headers, hooks={"response": begin})
        fetch(address, file, None)


def _require_checksum(archive: Path, address: str, sha256: str) -> None:
    """Remove an archive that is not the one expected, and say so."""
    import pooch

    got = pooch.file_hash(str(archive), alg="sha256")
    if got != sha256.lower():
        archive.unlink()
        raise ValueError(
            f"expected an archive with the SHA-256 checksum {sha256} from {address}, got {got}: it "
            "was removed, so call download again, or from another network"
        )


def _require_room(folder: Path, size: int) -> None:
    """Refuse to begin what would not fit: the archive, and its files as large again."""
    free = shutil.disk_usage(folder).free
    if free < 2 * size:
        raise OSError(
            f"{folder} has room for {free / 1e9:.1f} GB, expected {2 * size / 1e9:.1f} GB for the "
            "archive and its files: free some, or name a folder on another disk"
        )
