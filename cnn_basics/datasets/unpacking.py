"""Unpack an archive of files, all or nothing, and nowhere else than asked."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from os import PathLike
from pathlib import Path, PurePosixPath, PureWindowsPath


def unpack(
    archive: str | PathLike[str], folder: str | PathLike[str], progress: bool = True
) -> Path:
    """Unpack a zip archive into a new folder.

    Every name in it is looked at before the first file is written. The files go to a folder
    aside, which gets its name when it is complete: whoever sees `folder` sees all of it.

    Args:
        archive: The zip file.
        folder: What to make; must not exist yet.
        progress: Show a bar if it takes more than a second.

    Returns:
        The folder.

    Raises:
        ValueError: The file is no zip archive or is damaged, or something in it points out of
            the folder or is a link.
        FileExistsError: `folder` is there already.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as aside:
        ...     with zipfile.ZipFile(Path(aside, "a.zip"), "w") as archive:
        ...         archive.writestr("cats/cat.1.txt", "miaow")
        ...     Path(unpack(Path(aside, "a.zip"), Path(aside, "a")), "cats/cat.1.txt").read_text()
        'miaow'
    """
    archive, folder = Path(archive), Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} is there already, expected a new name: remove it first")
    aside = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(aside, ignore_errors=True)  # of a call that was killed
    try:
        with zipfile.ZipFile(archive) as files:
            _write(files, archive, aside, progress)
        os.replace(aside, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(
            f"{archive} is no whole zip archive without a password ({error}): "
            "download or copy it again"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def _write(files: zipfile.ZipFile, archive: Path, folder: Path, progress: bool) -> None:
    """Write all files of an archive, once all of their names are found harmless."""
    from tqdm.auto import tqdm

    members = files.infolist()
    for member in members:
        fault = _fault(member)
        if fault:
            raise ValueError(
                f"{archive} holds {member.filename!r}, {fault}, expected files inside one folder: "
                "nothing was unpacked; take the archive from a source that you trust"
            )
    folder.mkdir(parents=True)
    for member in tqdm(members, "unpacking", delay=1, unit="file", disable=not progress):
        target = folder.joinpath(*PurePosixPath(member.filename).parts)
        if member.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with files.open(member) as source, open(target, "wb") as file:
            shutil.copyfileobj(source, file)  # at its end, zipfile compares the checksum


def _fault(member: zipfile.ZipInfo) -> str:
    """What makes a member dangerous on any system, or an empty text."""
    name = member.filename
    windows = PureWindowsPath(name)
    if not windows.parts or windows.drive or windows.root or ".." in windows.parts or ":" in name:
        return "which points out of the folder"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "which is a link" if kind == stat.S_IFLNK else "which is no plain file"
    return ""
