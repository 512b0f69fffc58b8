"""The cache of generated files: made once, made again when damaged, never half made."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autoprof_ci.errors import DataError
from autoprof_ci.workloads.cache import Recipe, digest_of, kept

NAME = "data-0c78d649a87e"


def write_two_files(folder: Path) -> None:
    (folder / "inside").mkdir()
    (folder / "inside" / "a.json").write_bytes(b"[1]")
    # Long enough for a second process to come along meanwhile.
    time.sleep(0.05)
    (folder / "b.json").write_bytes("é".encode())


RECIPE = Recipe(write=write_two_files, digest="0c78d649a87e331bf6c126a437a6dea3ca40f951d2abbca400af4769cec4c8fb")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_kept__made_once(tmp_path: Path) -> None:
    folder = kept(tmp_path / "new" / "cache", RECIPE)
    made_at = (folder / "b.json").stat().st_mtime_ns
    assert kept(tmp_path / "new" / "cache", RECIPE) == folder
    assert (folder / "b.json").stat().st_mtime_ns == made_at
    assert names(tmp_path / "new" / "cache") == [NAME, "lock"]
    assert names(folder) == ["b.json", "inside"]


def truncate_a_file(folder: Path) -> None:
    (folder / "b.json").write_bytes(b"")


def add_a_file(folder: Path) -> None:
    (folder / "extra.json").write_bytes(b"")


def rename_a_file(folder: Path) -> None:
    (folder / "b.json").rename(folder / "c.json")


def remove_a_file(folder: Path) -> None:
    (folder / "inside" / "a.json").unlink()


def replace_by_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not a folder")


def replace_by_a_dangling_link(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to("nowhere")


def leave_a_partial_one(folder: Path) -> None:
    folder.rename(folder.with_name("partial-of-a-killed-process"))


@pytest.mark.parametrize(
    "damage",
    [
        truncate_a_file,
        add_a_file,
        rename_a_file,
        remove_a_file,
        replace_by_a_file,
        replace_by_a_dangling_link,
        leave_a_partial_one,
    ],
)
def test_kept__damaged_is_made_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    damage(kept(tmp_path, RECIPE))
    assert digest_of(kept(tmp_path, RECIPE)) == RECIPE.digest
    assert names(tmp_path) == [NAME, "lock"]


def test_kept__good_one_in_a_read_only_cache_is_used(tmp_path: Path) -> None:
    made = kept(tmp_path / "writable", RECIPE)
    read_only = tmp_path / "read-only"
    shutil.copytree(made, read_only / NAME)
    read_only.chmod(0o500)
    try:
        assert kept(read_only, RECIPE) == read_only / NAME
        assert names(read_only) == [NAME]
    finally:
        read_only.chmod(0o700)


def made_with_time(cache: Path) -> tuple[Path, int]:
    folder = kept(cache, RECIPE)
    return folder, (folder / "b.json").stat().st_mtime_ns


def test_kept__four_processes_at_once_make_it_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        made = pool.map(made_with_time, [tmp_path] * 4, chunksize=1)
    assert len(set(made)) == 1
    assert digest_of(made[0][0]) == RECIPE.digest


def test_kept__cache_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError) as raised:
        kept(tmp_path / "file" / "cache", RECIPE)
    assert str(raised.value) == (
        f"The workloads' input files could not be written below {tmp_path}/file/cache: Not a directory. "
        "Free 100 MB there, or let XDG_CACHE_HOME name a folder that can be written."
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_kept__disk_full_half_way(tmp_path: Path) -> None:
    def fill_the_disk(folder: Path) -> None:
        write_two_files(folder)
        Path("/dev/full").write_bytes(b"x")

    with pytest.raises(DataError, match=r"No space left on device\. Free 100 MB there"):
        kept(tmp_path, Recipe(write=fill_the_disk, digest=RECIPE.digest))
    assert names(tmp_path) == ["lock"]


def test_kept__interrupted_half_way(tmp_path: Path) -> None:
    def interrupt(folder: Path) -> None:
        write_two_files(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept(tmp_path, Recipe(write=interrupt, digest=RECIPE.digest))
    assert names(tmp_path) == ["lock"]


def test_kept__a_python_that_makes_other_bytes(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        kept(tmp_path, Recipe(write=write_two_files, digest="0" * 64))
    assert str(raised.value) == (
        f"The workloads' input files came out wrong: digest {RECIPE.digest} instead of {'0' * 64}. "
        "Please report it with the version of Python; another version may help."
    )
    assert names(tmp_path) == ["lock"]


def test_digest_of__names_and_bytes_count(tmp_path: Path) -> None:
    digests = set()
    for name, content in (("a", b"xy"), ("b", b"xy"), ("a", b"x")):
        folder = tmp_path / f"{name}{len(content)}"
        folder.mkdir()
        (folder / name).write_bytes(content)
        digests.add(digest_of(folder))
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("configured", "expected"),
    [("/var/cache/me", "/var/cache/me/autoprof-ci"), ("", "~/.cache/autoprof-ci"), ("relative", "~/.cache/autoprof-ci")],
)
def test_default_cache__follows_the_desktop_specification(configured: str, expected: str) -> None:
    environment = {**os.environ, "HOME": "/home/me", "XDG_CACHE_HOME": configured}
    code = "from autoprof_ci.workloads import default_cache; print(default_cache())"
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == expected.replace("~", "/home/me")
