# Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

"""The kernels on disk: a file each, named by a digest of all that its code depends on.

No locks: a file appears under its name complete (written beside, then renamed), two processes that compile the same
kernel write the same file twice, and what cannot be read, is damaged, or could have been written by somebody else, is
compiled again.
"""

import os
import stat
import tempfile
import warnings

from . import _core

_FOLDER = "v1"
_dir = None
_warned = set()


class CacheWarning(UserWarning):
    """The cache cannot be used; kernels are compiled, and kept for this process only."""


def _warn(folder, reason):
    """Once for each folder and reason."""
    if (folder, reason) not in _warned:
        _warned.add((folder, reason))
        warnings.warn(f"simplexir: the kernel cache {folder} cannot be used: {reason}; kernels are kept in memory only "
                      "(simplexir.set_cache_dir chooses another folder)", CacheWarning, stacklevel=2)


def cache_dir():
    """The folder of the cache: `simplexir` in XDG_CACHE_HOME or ~/.cache, unless set."""
    if _dir is not None:
        return _dir
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "simplexir")


def set_cache_dir(path):
    """Uses another folder, or none (None). Raises OSError if it cannot be written."""
    global _dir
    if path is None:
        _dir = ""
        return
    path = os.path.abspath(os.fspath(path))
    previous, _dir = _dir, path
    try:
        folder = _open_folder()
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"simplexir")
            file.flush()
    except OSError:
        _dir = previous
        raise


def _open_folder():
    """The folder with the files, made if it is not there; OSError if others could write to it."""
    folder = os.path.join(cache_dir(), _FOLDER)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    state = os.stat(folder)
    if state.st_uid not in (os.geteuid(), 0) or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{folder} can be written by others (owner {state.st_uid}, mode "
                              f"{stat.S_IMODE(state.st_mode):o}), and a kernel is code; expected a folder of your own, "
                              "mode 700")
    return folder


def read(key, name):
    """The artifact, or None. Its hashes and the name of its kernel are checked; a damaged file is removed."""
    if cache_dir() == "":
        return None
    try:
        folder = _open_folder()
    except OSError as error:
        _warn(cache_dir(), error.strerror or str(error))
        return None
    path = os.path.join(folder, key + ".simplex")
    try:
        # Whoever may write the file may run code here.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            state = os.fstat(file.fileno())
            if state.st_uid not in (os.geteuid(), 0) or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return None
            data = file.read()
    except OSError:
        return None
    try:
        artifact = _core.Artifact(data)
        if artifact.kernels == [name]:
            return artifact
    except _core.Error:
        pass
    try:
        os.unlink(path)
    except OSError:
        pass
    return None


def write(key, data):
    """Keeps an artifact; a warning if that is not possible."""
    if cache_dir() == "":
        return
    temporary = None
    try:
        folder = _open_folder()
        descriptor, temporary = tempfile.mkstemp(prefix=key[:16] + ".", suffix=".tmp", dir=folder)
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, os.path.join(folder, key + ".simplex"))
        temporary = None
    except OSError as error:
        _warn(cache_dir(), error.strerror or str(error))
    finally:
        if temporary is not None:
            try:
                os.unlink(temporary)
            except OSError:
                pass


def _files():
    folder = os.path.join(cache_dir(), _FOLDER)
    try:
        names = os.listdir(folder) if cache_dir() else []
    except OSError:
        names = []
    return [os.path.join(folder, name) for name in names if name.endswith((".simplex", ".tmp"))]


def cache_info():
    """The folder, the number of kernels in it and their bytes, and the number of kernels in this process."""
    files = [path for path in _files() if path.endswith(".simplex")]
    size = 0
    for path in files:
        try:
            size += os.path.getsize(path)
        except OSError:
            pass
    return {"dir": cache_dir() or None, "kernels": len(files), "bytes": size, "in_memory": _core.count_kernels()}


def clear_cache():
    """Removes all kernels from disk, and forgets those of this process. Returns how many files it removed."""
    removed = 0
    for path in _files():
        try:
            os.unlink(path)
            removed += 1
        except OSError:
            pass
    _core.forget_kernels()
    return removed
