"""Rows that come a chunk at a time, from wherever they are kept."""

from __future__ import annotations

import inspect
import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.tables.frames import check_is_read
from skvae.tables.rows import Rows

BLOCK_CELLS = 1_000_000  # of a memory map, read at once
READERS = {  # what makes rows of a file that is not one of Parquet
    ".csv": "pandas.read_csv",
    ".tsv": "pandas.read_csv",
    ".txt": "pandas.read_csv",
    ".json": "pandas.read_json",
    ".jsonl": "pandas.read_json",
    ".xlsx": "pandas.read_excel",
    ".xls": "pandas.read_excel",
    ".feather": "pandas.read_feather",
    ".pkl": "pandas.read_pickle",
    ".npy": "numpy.load",
}
PACKED = (".gz", ".bz2", ".xz", ".zip", ".zst")
BATCH_ROWS = 65_536  # of a Parquet file, read at once

Block = Callable[[], Iterable[Any]]


@dataclass(frozen=True)
class Chunks:
    """Rows in blocks, which can be read in any order and as often as one likes.

    Attributes
    ----------
    blocks : sequence of callables
        Each gives its rows in one chunk or in several. What can only be read in order is one block.
    """

    blocks: Sequence[Block]

    @classmethod
    def of(cls, source: object) -> Chunks:
        """Find out what a source is.

        Parameters
        ----------
        source : path, list of paths, pyarrow Dataset, Dask DataFrame, sequence, iterable or callable
            Parquet files, partitions, or chunks: arrays or DataFrames. An iterable starts anew each time; a callable
            gives a new iterator.

        Raises
        ------
        TypeError
            Where it is rows already, or can be read once only.
        """
        if isinstance(source, str | os.PathLike):
            return cls(_parquet_blocks(_open_parquet(source, [source])))
        if isinstance(source, list) and source and all(isinstance(path, str | os.PathLike) for path in source):
            return cls(_parquet_blocks(_open_parquet(source, source)))
        if type(source).__module__.startswith("pyarrow") and hasattr(source, "get_fragments"):
            return cls(_parquet_blocks(source))
        if hasattr(source, "to_delayed") and hasattr(source, "npartitions"):
            return cls(_each(_compute, source.to_delayed()))
        check_is_read(source)
        if hasattr(source, "shape") or hasattr(source, "columns"):
            raise TypeError(
                f"A stream is made of chunks, but this {type(source).__name__} is one table of rows. Pass it to fit, "
                f"or a list of parts of it."
            )
        if callable(source):
            return cls([partial(_call, source)])
        if isinstance(source, Sequence):
            return cls(_each(_alone, source))
        if not isinstance(source, Iterable) or isinstance(source, Mapping):
            raise TypeError(
                f"A stream is a path to Parquet files, a pyarrow Dataset, a Dask DataFrame, or an iterable of chunks, "
                f"got {type(source).__name__}. Pass one of these."
            )
        if iter(source) is source:
            raise TypeError(
                f"A stream is read several times, but this {type(source).__name__} is exhausted after the first. Pass "
                f"a function that makes a new one: lambda: pandas.read_csv(path, chunksize=100_000), say."
            )
        return cls([partial(iter, source)])

    @classmethod
    def of_memory_map(cls, X: NDArray[Any], kept: NDArray[np.bool_] | None = None) -> Chunks:
        """Rows of a memory map, or those of them that are kept; what was read does not stay in memory."""
        size = max(1, BLOCK_CELLS // max(1, X.shape[1]))
        return cls([partial(_read_map, X, kept, slice(first, first + size)) for first in range(0, len(X), size)])

    def read(self, order: Iterable[int] | None = None) -> Iterator[tuple[int, Any]]:
        """Chunks, and the number of the block that each belongs to; in the order of the blocks that is given."""
        for b in range(len(self.blocks)) if order is None else order:
            for chunk in self.blocks[b]():
                yield b, chunk


def is_stream(X: object) -> bool:
    """Whether something stands for rows that are elsewhere."""
    has_parts = hasattr(X, "to_delayed") or hasattr(X, "get_fragments")
    return has_parts or isinstance(X, str | os.PathLike) or inspect.isgenerator(X)


def python_reader_of(path: object) -> str | None:
    """What reads a file that is not one of Parquet, by its suffix; None where it may be one, or is no path."""
    if not isinstance(path, str | os.PathLike) or Path(path).is_dir():
        return None
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return READERS.get(suffixes[-1]) if suffixes else None


def is_memory_map(X: object) -> bool:
    """Whether an array lies in a file."""
    return _map_of(X) is not None


def release(X: object) -> None:
    """Let the pages of a memory map go, which come back from the file; they would count as memory of the process."""
    found = _map_of(X)
    if found is not None and found.mode != "c" and hasattr(mmap, "MADV_DONTNEED"):  # "c" has changes of its own
        found._mmap.madvise(mmap.MADV_DONTNEED)


def _map_of(X: object) -> Any:
    """The memory map that an array is a part of."""
    while isinstance(X, np.ndarray):
        if isinstance(X, np.memmap) and isinstance(X._mmap, mmap.mmap):  # type: ignore[attr-defined]
            return X
        X = X.base
    return None


def _read_map(X: NDArray[Any], kept: NDArray[np.bool_] | None, where: slice) -> Iterator[Rows]:
    part = X[where]
    if kept is not None:
        part = part[kept[where]]
    rows = np.array(part)
    release(X)
    yield rows


def _each(read: Callable[[Any], Iterable[Any]], parts: Iterable[object]) -> list[Block]:
    """A block for each part."""
    return [partial(read, part) for part in parts]


def _alone(chunk: Rows) -> Iterator[Rows]:
    yield chunk


def _call(source: Callable[..., Any]) -> Iterator[Any]:
    """Chunks of a function that makes an iterable of them."""
    try:
        inspect.signature(source).bind()
    except ValueError:  # not every function has a signature
        pass
    except TypeError as error:
        raise TypeError(
            f"A function that makes a stream is called without arguments, but {source!r} says: {error}. Pass a lambda "
            f"that calls it."
        ) from error
    chunks = source()
    if not isinstance(chunks, Iterable):
        raise TypeError(
            f"A function that makes a stream must return an iterable of chunks, got {type(chunks).__name__}. Return a "
            f"list or a generator."
        )
    yield from chunks


def _compute(part: Any) -> Iterator[Any]:
    yield part.compute()


def _open_parquet(source: object, paths: Iterable[str | os.PathLike[str]]) -> Any:
    """A pyarrow Dataset of a file, a folder, or a list of files, which are also given as paths."""
    paths = list(paths)
    for path in paths:
        if (reader := python_reader_of(path)) is not None:
            parts = f"lambda: {reader}({str(path)!r}, chunksize=100_000)"
            remedy = f"fit_chunks({parts})" if reader == "pandas.read_csv" else f"fit({reader}({str(path)!r}))"
            raise ValueError(f"A path must lead to Parquet files, but {str(path)!r} is none. Call {remedy}.")
    try:
        import pyarrow as pa
        import pyarrow.dataset
    except ImportError as error:
        raise ImportError(
            f"Parquet files are read through pyarrow ({error}). Install it with: python -m pip install skvae[parquet]"
        ) from error
    for path in paths:
        if not Path(path).exists():
            raise FileNotFoundError(f"There is no file or folder {str(path)!r}. Pass a path to Parquet files.")
    try:
        return pyarrow.dataset.dataset(source, format="parquet")
    except (pa.ArrowException, OSError, TypeError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> ValueError:
    said, *_ = str(error).splitlines() or ["that there are none."]
    return ValueError(
        f"A path must lead to Parquet files with one schema, but pyarrow says: {said} "
        f"Convert the files, or pass a pyarrow Dataset."
    )


def _parquet_blocks(dataset: Any) -> list[Block]:
    """A block for each row group, where the data set has them."""
    try:
        fragments = list(dataset.get_fragments())
    except ValueError:  # of a data set with a filter
        return [partial(_read_arrow, dataset, options={})]
    blocks: list[Block] = []
    read = partial(_read_arrow, options={"schema": dataset.schema})
    for fragment in fragments:
        has_groups = hasattr(fragment, "split_by_row_group")
        blocks += _each(read, fragment.split_by_row_group() if has_groups else [fragment])
    return blocks


def _read_arrow(part: Any, options: dict[str, Any]) -> Iterator[pd.DataFrame]:
    import pyarrow as pa

    try:
        for batch in part.to_batches(batch_size=BATCH_ROWS, batch_readahead=2, fragment_readahead=1, **options):
            if batch.num_rows:
                yield batch.to_pandas(types_mapper=_stable_dtype, ignore_metadata=False)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(error) from error


def _stable_dtype(arrow: Any) -> Any:
    """A dtype that does not depend on whether a batch has gaps; None leaves the choice to pandas."""
    import pyarrow as pa

    is_plain = (
        pa.types.is_floating(arrow)
        or pa.types.is_string(arrow)
        or pa.types.is_large_string(arrow)
        or pa.types.is_dictionary(arrow)
        or pa.types.is_timestamp(arrow)
        or pa.types.is_duration(arrow)
    )
    if pa.types.is_boolean(arrow):
        return pd.BooleanDtype()
    if pa.types.is_integer(arrow):
        return pd.api.types.pandas_dtype(str(arrow).replace("i", "I").replace("uI", "UI"))  # uint8 → UInt8
    return None if is_plain else pd.ArrowDtype(arrow)
