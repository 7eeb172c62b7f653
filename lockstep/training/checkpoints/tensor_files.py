"""Tensors in files, and out of those that a stranger may have written: what a file claims is checked before anything
is built from it.

`torch.load(weights_only=True)` executes nothing, but it believes sizes: a few bytes can ask for all the memory there
is, or for what lies behind the end of a record. So the archive is looked through first, without building anything.
"""

import math
import os
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Set
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from lockstep.compute.machine import available_bytes
from lockstep.files import NotPlainError, open_regular

MAX_STRUCTURE_BYTES = 16 * 2**20
"""Of the pickled structure around the tensors. Ours has kilobytes."""
DOUBTFUL_BYTES = 2**31
"""Up to here, any file is read to find out by its checksum whether it is damaged: some seconds."""
_ITEM_BYTES = {
    f"torch {name}Storage": torch.empty(0, dtype=dtype).element_size()
    for name, dtype in (
        ("Float", torch.float32),
        ("Double", torch.float64),
        ("Long", torch.int64),
        ("Int", torch.int32),
        ("Short", torch.int16),
        ("Char", torch.int8),
        ("Byte", torch.uint8),
        ("Bool", torch.bool),
    )
}
_GLOBALS = {"torch._utils _rebuild_tensor_v2", "collections OrderedDict", *_ITEM_BYTES}
_LITERALS = {"BINUNICODE", "GLOBAL", "BININT", "BININT1", "BININT2", "LONG1"}
_PUTS, _GETS = {"BINPUT", "LONG_BINPUT"}, {"BINGET", "LONG_BINGET"}
_OPERATIONS: Set[str] = _LITERALS | _PUTS | _GETS | {
    "PROTO", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BINFLOAT", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
    "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "REDUCE", "BINPERSID",
}  # fmt: skip
_ENTRIES = frozenset(("data.pkl", "byteorder", "version", ".format_version", ".storage_alignment"))


class RefusedError(Exception):
    """The file is not one that Lockstep wrote; says why."""


def tensor_bytes(tree: Any) -> bytes:
    """Nested plain data and tensors as `torch.save` writes them."""
    buffer = BytesIO()
    torch.save(tree, buffer)
    return buffer.getvalue()


def open_tensors(path: Path, told_bytes: int) -> BufferedReader:
    """Open a plain file for reading. told_bytes: what its manifest says that it has.

    Raises RefusedError for what is no plain file or is not there, and for a large one that cannot be ours: to find that
    out by its checksum would take long.
    """
    try:
        file = open_regular(path, max(told_bytes, DOUBTFUL_BYTES))
    except NotPlainError as error:
        raise RefusedError(str(error)) from error
    except OSError as error:
        raise RefusedError(f"it cannot be read ({type(error).__name__})") from error
    size = os.fstat(file.fileno()).st_size
    if size > DOUBTFUL_BYTES:
        try:
            with zipfile.ZipFile(file) as archive:
                _check(archive, size)
        except Exception as error:  # whatever a stranger's bytes make the reader raise
            file.close()
            raise RefusedError(f"it is no archive of tensors ({type(error).__name__})") from error
        file.seek(0)
    return file


def load_tensors(file: BufferedReader) -> Any:
    """Nested plain data and tensors, on the CPU. Raises RefusedError for what Lockstep would not have written."""
    size = os.fstat(file.fileno()).st_size
    available = available_bytes()
    if available is not None and size > available:
        raise RefusedError(f"it needs {size / 2**30:.1f} GiB of memory and {available / 2**30:.1f} GiB are free")
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            _check(archive, size)
        file.seek(0)
        tree = torch.load(file, map_location="cpu", weights_only=True)
        _check_tensors(tree, size)
    except RefusedError:
        raise
    except Exception as error:  # whatever a stranger's bytes make the readers raise
        raise RefusedError(f"{type(error).__name__} while reading it") from error
    return tree


def read_parameters(path: Path) -> dict[str, torch.Tensor]:
    """The parameters of a module as another program saved its `state_dict()` with torch, by their names.

    Nothing of torch's own reads the structure: what stands for a tensor there becomes one here, of the numbers that the
    file holds. Raises RefusedError for anything else.
    """
    with open_tensors(path, 0) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            with zipfile.ZipFile(file) as archive:
                structure, root = (
                    _check(archive, size, _OPERATIONS | {"BUILD"}),
                    archive.namelist()[0].partition("/")[0],
                )
                said = dict.items(_Structure(BytesIO(structure)).load())
                return {str(name): _tensor(saved, archive, root) for name, saved in said}
        except RefusedError:
            raise
        except Exception as error:  # whatever a stranger's bytes make the readers raise
            raise RefusedError(f"{type(error).__name__} while reading it") from error


class _Saved(NamedTuple):
    """What stands for a tensor."""

    storage: tuple[str, str, str, str, int]
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    requires_grad: bool
    hooks: object


class _Structure(pickle.Unpickler):
    """Makes dictionaries by name and what stands for tensors; there is nothing that it could call but these."""

    def find_class(self, module: str, name: str) -> Any:
        known = {"torch._utils _rebuild_tensor_v2": _Saved, "collections OrderedDict": OrderedDict}
        return known.get(f"{module} {name}", f"{module} {name}")

    def persistent_load(self, saved: Any) -> Any:
        return saved


def _tensor(saved: Any, archive: zipfile.ZipFile, root: str) -> torch.Tensor:
    """The numbers that are meant, in memory of their own. Raises RefusedError for what no parameter is."""
    if not isinstance(saved, _Saved) or saved.storage[1] != "torch FloatStorage":
        raise RefusedError("it holds something else than parameters of single precision")
    numbers = np.frombuffer(archive.read(f"{root}/data/{saved.storage[2]}"), np.float32)
    numbers = numbers[saved.offset : saved.offset + math.prod(saved.size)].reshape(saved.size)
    if saved.offset < 0 or (numbers.size and saved.stride != tuple(step // 4 for step in numbers.strides)):
        raise RefusedError("its tensors do not lie as those of a module do")
    return torch.from_numpy(numbers.copy())


def _check(archive: zipfile.ZipFile, size: int, operations: Set[str] = _OPERATIONS) -> bytes:
    """The pickled structure. Raises RefusedError unless the archive is what torch.save writes, holds as much as it
    claims, and its structure needs no other operations."""
    entries = archive.infolist()
    names = [entry.filename.partition("/")[2] for entry in entries]
    if not entries or len(set(names)) < len(names) or len({entry.filename.partition("/")[0] for entry in entries}) > 1:
        raise RefusedError("it is no archive of tensors")
    if min(entry.header_offset for entry in entries) > 0:
        raise RefusedError("something stands before the archive")
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
        raise RefusedError("it is compressed, and torch never compresses")
    if any(entry.file_size != entry.compress_size for entry in entries) or sum(e.file_size for e in entries) > size:
        raise RefusedError("it claims more bytes than it has")
    records: dict[str, int] = {}
    for name, entry in zip(names, entries, strict=True):
        if name.startswith("data/") and name[5:].isdecimal():
            records[name[5:]] = entry.file_size
        elif name not in _ENTRIES and not name.startswith(".data/"):
            raise RefusedError(f"it has an entry {name!r}, which torch does not write")
    if "data.pkl" not in names:
        raise RefusedError("it has no structure")
    structure = entries[names.index("data.pkl")]
    if structure.file_size > MAX_STRUCTURE_BYTES:
        raise RefusedError("its structure is larger than that of any checkpoint")
    content = archive.read(structure)
    _check_structure(content, records, operations)
    return content


def _check_structure(structure: bytes, records: dict[str, int], operations: Set[str]) -> None:
    """Read the pickle's operations without carrying them out: only tensors and plain data, each within its record."""
    said: list[tuple[str, Any]] = []
    memory: dict[int, tuple[str, Any]] = {}
    for operation, argument, _ in pickletools.genops(BytesIO(structure)):
        name = operation.name
        if name not in operations or (name == "GLOBAL" and argument not in _GLOBALS):
            raise RefusedError(f"it asks for {argument if name == 'GLOBAL' else name}")
        if name in _PUTS:
            if not said or not isinstance(argument, int) or argument > len(structure):
                raise RefusedError("its structure makes no sense")
            memory[argument] = said[-1]
            continue
        known = memory.get(argument) if isinstance(argument, int) and name in _GETS else None
        said.append(known or (name, argument))
        if name == "BINPERSID":
            _check_record(said[-8:-1], records)


def _check_record(said: list[tuple[str, Any]], records: dict[str, int]) -> None:
    """said: what led to a tensor's numbers: mark, "storage", its type, its record, where it was, how many, tuple."""
    names = [name for name, _ in said]
    if len(said) != 7 or names[0] != "MARK" or names[6] != "TUPLE" or not _LITERALS.issuperset(names[1:6]):
        raise RefusedError("its structure makes no sense")
    word, kind, record, _, count = (value for _, value in said[1:6])
    if word != "storage" or kind not in _ITEM_BYTES or record not in records or not isinstance(count, int):
        raise RefusedError("its structure makes no sense")
    if not 0 <= count * _ITEM_BYTES[kind] <= records[record]:
        raise RefusedError("a tensor claims more numbers than were written")


def _check_tensors(tree: Any, size: int) -> None:
    """A tensor may repeat its numbers (a stride of 0), and fill all memory when it is copied: ours never do."""
    claimed = 0
    for tensor in _tensors(tree):
        claimed += tensor.numel() * tensor.element_size()
        if claimed > size or not tensor.is_contiguous():
            raise RefusedError("its tensors claim more numbers than were written")


def _tensors(tree: Any) -> Iterator[torch.Tensor]:
    if isinstance(tree, torch.Tensor):
        yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from _tensors(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _tensors(value)
