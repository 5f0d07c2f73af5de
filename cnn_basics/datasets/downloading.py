"""A public set of 25,000 photos of cats and dogs, fetched once, checked, and unpacked."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from os import PathLike
from pathlib import Path
from typing import BinaryIO
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
    """Fetch and unpack 25,000 photos of cats and dogs (825 MB), unless they are there.

    An interrupted download goes on where it stopped; `load_folder(download(), size=64)` reads them.
    """
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
    with open(part, "ab") as file:
        if file.tell() != size:
            _fetch(file, address, size, progress)
    with open(part, "rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    if got != sha256.lower():
        part.unlink()
        what = f"an archive with the SHA-256 checksum {sha256} from {address}"
        fix = "it was removed, so call download again, or from another network"
        raise ValueError(f"expected {what}, got {got}: {fix}")
    aside = parent / f".{target.name}.unpacking"
    shutil.rmtree(aside, ignore_errors=True)  # of a call that was stopped
    with zipfile.ZipFile(part) as archive:
        archive.extractall(aside)  # never writes outside of it
    os.replace(aside, target)
    part.unlink()
    return target


def _fetch(file: BinaryIO, address: str, size: int, progress: bool) -> None:
    """Append to a file what is missing of it, or begin anew if the server has no parts."""
    import requests
    from tqdm.auto import tqdm

    here = file.tell()
    headers = {"Accept-Encoding": "identity", "Range": f"bytes={here}-"}
    bar = tqdm(None, "downloading", size, unit="B", unit_scale=True, disable=not progress)
    try:
        with bar, requests.get(address, headers=headers, stream=True, timeout=30) as answer:
            if answer.status_code != 416:  # which says that the server has less than what is here
                answer.raise_for_status()
            said = answer.headers
            here *= said.get("Content-Range", "").startswith(f"bytes {here}-")  # or it begins anew
            is_other = here + int(said.get("Content-Length", size - here)) != size
            if answer.ok and (is_other or "html" in said.get("Content-Type", "")):
                raise requests.ConnectionError("it offers something else, perhaps a page to log in")
            file.seek(file.truncate(here))
            bar.update(here)
            for chunk in answer.iter_content(CHUNK) if answer.ok else ():
                bar.update(file.write(chunk))
        if file.tell() < size:
            raise requests.ConnectionError("it ended too early")
    except requests.RequestException as error:
        raise ConnectionError(
            f"{address} could not be fetched ({error}); {file.tell():,} of {size:,} bytes "
            "are here: check the connection and call download again, it goes on where it stopped"
        ) from error
