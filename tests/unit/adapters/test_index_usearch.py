"""The vector index against exact search, and its file against everything that can happen to it."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from daemon.adapters.index_usearch import DRAFT, FILE, UsearchIndex
from daemon.adapters.index_writer import write
from daemon.errors import StoreUnavailable
from daemon.exchange import Vector
from daemon.ports.caching import VectorPage

I8_ERROR = 0.015


def unit_vectors(count: int, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(count, 384)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def nudged(vector: Vector, seed: int) -> Vector:
    """A unit vector at a cosine of about .9 from the given one."""
    moved = vector + 0.48 * unit_vectors(1, seed=seed + 10_000)[0]
    return moved / np.linalg.norm(moved)


VECTORS = unit_vectors(60)


@pytest.fixture
def index(tmp_path: Path) -> UsearchIndex:
    return UsearchIndex(tmp_path, model="minilm")


def entries(*ids: int) -> dict[int, Vector]:
    return {entry_id: VECTORS[entry_id] for entry_id in ids}


async def save(index: UsearchIndex, entries: Mapping[int, Vector], *, epoch: str = "epoch", anew: bool = False) -> None:
    """As the cache does, from a store of these entries."""
    saving = index.begin_saving(anew=anew)
    assert saving is not None
    await saving.write(pages_after(saving.last_id, entries), epoch)
    index.adopt()


class Told(BytesIO):
    """The stdin of a process that is none."""

    async def drain(self) -> None: ...


async def save_here(index: UsearchIndex, entries: Mapping[int, Vector], *, anew: bool) -> None:
    """The same without a process of its own, which takes half a second to start."""
    saving, told = index.begin_saving(anew=anew), Told()
    assert saving is not None
    await saving._tell(told, pages_after(saving.last_id, entries), "epoch")  # type: ignore[arg-type]
    write(BytesIO(told.getvalue()), *map(Path, saving._files))
    index.adopt()


async def pages_after(last_id: int, entries: Mapping[int, Vector]) -> AsyncIterator[VectorPage]:
    ids = sorted(entry_id for entry_id in entries if entry_id > last_id)
    for start in range(0, len(ids), 7):
        page = ids[start : start + 7]
        yield np.array(page, np.uint64), np.array([entries[one] for one in page], np.float16)


def only(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


@pytest.fixture
async def saved(index: UsearchIndex, tmp_path: Path) -> Path:
    """The file of an index of the ids 1 to 20, where 20 was the last that was offered."""
    await save(index, entries(*range(1, 21)))
    return tmp_path / FILE


def another(folder: Path, model: str = "minilm") -> UsearchIndex:
    return UsearchIndex(folder, model=model)


class TestSearch:
    def test_the_nearest_comes_first_with_its_cosine(self, index: UsearchIndex) -> None:
        near = VECTORS[0] + 0.3 * VECTORS[1]
        near /= np.linalg.norm(near)
        index.add([7, 8, 9], [VECTORS[5], near, VECTORS[0]])

        ids, similarities = zip(*index.search(VECTORS[0], 2), strict=True)

        assert (9, 8) == ids
        assert (1.0, float(near @ VECTORS[0])) == pytest.approx(similarities, abs=I8_ERROR)

    def test_an_empty_index_finds_nothing(self, index: UsearchIndex) -> None:
        assert [] == index.search(VECTORS[0], 3)

    def test_an_id_that_is_there_is_ignored(self, index: UsearchIndex) -> None:
        index.add([1, 1], [VECTORS[0], VECTORS[1]])
        index.add([1, 2], [VECTORS[2], VECTORS[3]])

        assert 2 == index.size
        assert 1 == index.search(VECTORS[0], 1)[0][0]

    @pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 1.0])
    def test_what_is_no_unit_vector_is_neither_kept_nor_found(self, index: UsearchIndex, value: float) -> None:
        """To a zero vector everything would be equally near."""
        index.add([1, 2], [np.full(384, value, dtype=np.float32), VECTORS[0]])

        assert [2] == [found for found, _ in index.search(VECTORS[0], 5)]
        assert [] == index.search(np.full(384, value, dtype=np.float32), 5)

    def test_no_similarity_passes_1(self, index: UsearchIndex) -> None:
        index.add(range(60), list(VECTORS))

        assert all(index.search(vector, 1)[0][1] <= 1.0 for vector in VECTORS)

    def test_a_close_neighbour_is_found_among_thousands(self, index: UsearchIndex) -> None:
        """Also where it took the place of a removed one."""
        vectors = unit_vectors(3000)
        index.add(range(2000), list(vectors[:2000]))
        index.remove(range(0, 2000, 2))
        index.add(range(2000, 3000), list(vectors[2000:]))
        ids = [*range(1, 2000, 2), *range(2000, 3000)]

        found = [index.search(nudged(vectors[entry_id], entry_id), 1)[0][0] for entry_id in ids]

        assert np.mean(np.array(ids) == found) > 0.97

    def test_a_clear_forgets_all(self, index: UsearchIndex) -> None:
        index.add([1], [VECTORS[0]])
        index.clear()

        assert 0 == index.size
        assert [] == index.search(VECTORS[0], 1)


class TestRemoval:
    def test_the_removed_are_not_found_and_may_come_back(self, index: UsearchIndex) -> None:
        index.add([1, 2], [VECTORS[0], VECTORS[1]])
        index.remove([1, 1, 99])
        assert [2] == [found for found, _ in index.search(VECTORS[0], 5)]

        index.add([1], [VECTORS[2]])
        assert 1 == index.search(VECTORS[2], 1)[0][0]

    def test_more_than_a_quarter_removed_asks_for_a_rebuild(self, index: UsearchIndex) -> None:
        assert not index.needs_rebuild
        index.add(range(40), list(VECTORS[:40]))
        index.remove(range(10))
        assert not index.needs_rebuild

        index.remove([10])
        assert index.needs_rebuild
        index.clear()
        assert not index.needs_rebuild

    async def test_a_rebuild_is_asked_for_where_much_of_the_file_was_removed(self, index: UsearchIndex) -> None:
        await save(index, entries(*range(1, 41)))
        index.remove(range(1, 21))
        assert 20 == index.size
        assert index.needs_rebuild

        await save(index, entries(*range(21, 41)), anew=True)
        assert 20 == index.size
        assert not index.needs_rebuild

    async def test_a_rebuild_is_still_asked_for_after_a_restart(self, index: UsearchIndex, tmp_path: Path) -> None:
        await save(index, entries(*range(1, 41)))
        index.remove(range(1, 21))
        await save(index, {})
        restored = another(tmp_path)
        restored.load("epoch")

        assert 20 == restored.size
        assert restored.needs_rebuild


class TestSaving:
    async def test_what_is_in_the_file_is_found_and_no_longer_held_in_memory(self, index: UsearchIndex) -> None:
        index.add(range(1, 31), list(VECTORS[1:31]))
        await save(index, entries(*range(1, 21)))

        assert (30, 10) == (index.size, index.unsaved)
        assert list(range(1, 31)) == [index.search(VECTORS[entry_id], 1)[0][0] for entry_id in range(1, 31)]

    async def test_a_file_continues_the_one_before(self, index: UsearchIndex, tmp_path: Path) -> None:
        await save(index, entries(1, 2))
        await save(index, entries(3, 4))
        restored = another(tmp_path)

        assert 4 == restored.load("epoch")
        assert [1, 2, 3, 4] == [restored.search(VECTORS[entry_id], 1)[0][0] for entry_id in (1, 2, 3, 4)]

    async def test_all_goes_on_while_a_file_is_written(self, index: UsearchIndex) -> None:
        """Removed meanwhile stays removed, whether the file had it or gets it; added meanwhile stays."""
        await save(index, entries(1, 2))
        index.add([3, 4], list(VECTORS[3:5]))
        saving = index.begin_saving(anew=False)
        assert saving is not None

        async def pages() -> AsyncIterator[VectorPage]:
            async for page in pages_after(saving.last_id, entries(3, 4)):
                yield page
            index.remove([1, 3])
            index.add([5], [VECTORS[5]])
            assert {2, 4, 5} == {found for found, _ in index.search(VECTORS[0], 9)}

        await saving.write(pages(), "epoch")
        index.adopt()

        assert {2, 4, 5} == {found for found, _ in index.search(VECTORS[0], 9)}
        assert (3, 1) == (index.size, index.unsaved)

    async def test_one_that_is_given_up_leaves_the_old_file(self, index: UsearchIndex, saved: Path) -> None:
        index.add([30], [VECTORS[30]])
        saving = index.begin_saving(anew=False)
        assert saving is not None

        async def pages() -> AsyncIterator[VectorPage]:
            async for page in pages_after(saving.last_id, entries(30)):
                yield page
            await asyncio.Event().wait()

        writing = asyncio.create_task(saving.write(pages(), "epoch"))
        await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait((writing,))

        assert writing.cancelled()
        assert saved == only(saved.parent)
        await save(index, entries(30))
        assert (21, 0) == (index.size, index.unsaved)

    async def test_one_that_may_not_be_written_stays_in_memory(self, tmp_path: Path) -> None:
        index = UsearchIndex(tmp_path, model="minilm", is_saved=False)
        index.add([1], [VECTORS[1]])

        assert index.begin_saving(anew=False) is None
        assert (1, False) == (index.unsaved, index.has_file)

    async def test_what_is_no_unit_vector_is_not_written(self, index: UsearchIndex) -> None:
        zero = np.zeros(384, np.float32)
        await save(index, {1: zero, 2: VECTORS[2], 3: np.full(384, np.nan, np.float32)})

        assert [2] == [found for found, _ in index.search(VECTORS[0], 5)]


Step = tuple[str, list[int]]
steps = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "save", "restart", "anew"]), st.lists(st.integers(1, 59), max_size=30)),
    max_size=12,
)


@settings(max_examples=60)
@given(steps=steps, question=st.integers(0, 59), count=st.integers(1, 10))
async def test_after_any_history_it_finds_what_exact_search_finds(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step], question: int, count: int
) -> None:
    folder = tmp_path_factory.mktemp("index")
    index, live, newest = another(folder), dict[int, Vector](), 0
    for step, numbers in steps:
        match step:
            case "add":  # as a store does: under ids that were never given
                added = {newest + number: VECTORS[number] for number in numbers}
                index.add(list(added), list(added.values()))
                live |= added
                newest += 60
            case "remove":
                removed = [entry_id for entry_id in live if entry_id % 60 in numbers]
                index.remove(removed)
                live = {entry_id: vector for entry_id, vector in live.items() if entry_id not in removed}
            case "save" | "anew":
                await save_here(index, live, anew=step == "anew")
                assert 0 == index.unsaved
            case "restart":
                index = another(folder)
                last_id = index.load("epoch") or 0
                later = {entry_id: vector for entry_id, vector in live.items() if entry_id > last_id}
                index.add(list(later), list(later.values()))

    found = index.search(VECTORS[question], count)

    if not steps or steps[-1][0] != "restart":  # what was removed after the file was written is met once more
        assert len(live) == index.size
        assert {entry_id for entry_id, _ in found} <= live.keys()
        assert exact_similarities(live.values(), VECTORS[question], count) == pytest.approx(
            [similarity for _, similarity in found], abs=I8_ERROR
        )


def exact_similarities(live: Iterable[Vector], vector: Vector, count: int) -> Sequence[float]:
    return sorted((float(one @ vector) for one in live), reverse=True)[:count]


class TestFile:
    def test_what_was_saved_comes_back(self, saved: Path) -> None:
        restored = another(saved.parent)

        assert 20 == restored.load("epoch")
        assert 20 == restored.size
        assert 3 == restored.search(VECTORS[3], 1)[0][0]
        assert 0 == restored.unsaved

    async def test_an_empty_index_comes_back_empty(self, index: UsearchIndex, tmp_path: Path) -> None:
        await save(index, {})

        assert 0 == another(tmp_path).load("epoch")

    def test_only_the_owner_may_read_it(self, saved: Path) -> None:
        assert 0o600 == saved.stat().st_mode & 0o777

    def test_nothing_is_left_beside_it(self, saved: Path) -> None:
        assert saved == only(saved.parent)

    def test_without_a_file_it_starts_empty(self, index: UsearchIndex) -> None:
        assert index.load("epoch") is None

    @pytest.mark.parametrize(("model", "epoch"), [("minilm", "another"), ("another", "epoch")])
    def test_a_file_of_another_store_or_model_is_not_used(self, saved: Path, model: str, epoch: str) -> None:
        restored = another(saved.parent, model)
        restored.add([77], [VECTORS[0]])

        assert restored.load(epoch) is None
        assert 0 == restored.size
        assert not saved.exists()

    @pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.9999])
    def test_a_file_that_was_cut_short_is_not_used(self, saved: Path, share: float) -> None:
        content = saved.read_bytes()
        saved.write_bytes(content[: int(len(content) * share)])

        self.assert_unusable(saved)

    @pytest.mark.parametrize("share", [0.0, 0.0005, 0.5, 0.97, 0.996, 0.999, 0.99999])
    def test_a_file_with_one_changed_bit_is_not_used(self, saved: Path, share: float) -> None:
        content = bytearray(saved.read_bytes())
        content[int(len(content) * share)] ^= 1
        saved.write_bytes(content)

        self.assert_unusable(saved)

    def test_a_file_of_another_layout_is_not_used(self, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its bytes mean something else, however whole it is."""
        monkeypatch.setattr("daemon.adapters.index_file.LAYOUT", "another")

        self.assert_unusable(saved)

    def test_something_else_is_not_used(self, saved: Path) -> None:
        saved.write_bytes(b"SQLite format 3\x00" * 100)

        self.assert_unusable(saved)

    def assert_unusable(self, file: Path) -> None:
        restored = another(file.parent)
        assert restored.load("epoch") is None
        assert 0 == restored.size
        restored.add([1], [VECTORS[0]])
        assert [1] == [found for found, _ in restored.search(VECTORS[0], 3)]

    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
    async def test_a_crash_while_saving_leaves_the_old_file(self, saved: Path, share: float) -> None:
        """Killed before the rename: a draft is left, of any length, and the next start removes it."""
        content = saved.read_bytes()
        (saved.parent / f"{DRAFT}.0").write_bytes(content[: int(len(content) * share)])

        restored = another(saved.parent)
        assert 20 == restored.load("epoch")
        assert saved == only(saved.parent)
        await save(restored, entries(21))
        assert 21 == another(saved.parent).load("epoch")

    async def test_a_full_disk_leaves_the_old_file(self, saved: Path) -> None:
        larger = another(saved.parent)
        larger.load("epoch")
        larger.add(range(30, 60), list(VECTORS[30:60]))
        with FileSizeLimit(saved.stat().st_size), pytest.raises(StoreUnavailable, match="could not be saved"):
            await save(larger, entries(*range(30, 60)))

        assert saved == only(saved.parent)
        assert 20 == another(saved.parent).load("epoch")
        assert 50 == larger.size
        assert 59 == larger.search(VECTORS[59], 1)[0][0]

    async def test_a_file_that_was_damaged_meanwhile_is_not_continued(self, saved: Path) -> None:
        index = another(saved.parent)
        index.load("epoch")
        with saved.open("r+b") as file:
            file.seek(5_000)
            file.write(b"damage")

        with pytest.raises(StoreUnavailable, match="the digest does not match"):
            await save(index, entries(21))

    async def test_a_folder_without_rights_is_one_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        with pytest.raises(StoreUnavailable, match="could not be saved"):
            await save(UsearchIndex(tmp_path / "file" / "below", model="minilm"), entries(1))


class FileSizeLimit:
    """No file may grow past the limit: what a full disk looks like to a process."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes

    def __enter__(self) -> None:
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        self.signal_before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.limit_bytes, self.before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)
        signal.signal(signal.SIGXFSZ, self.signal_before)
