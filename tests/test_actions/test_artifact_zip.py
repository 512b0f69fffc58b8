"""Zips that artifacts are: what we write, and what others may have written."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from autoprof_ci.actions.artifact_zip import bundle_in, files_of, member, zip_of
from autoprof_ci.errors import DataError

LIMIT = 1 << 20


def zipped(members: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


BUNDLE = zipped({"manifest.json": b"{}"})


def test_zip_of__equal_files__gives_equal_bytes_and_packs_text_only(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_bytes(b"<p>text</p>" * 1000)
    picture = tmp_path / "charts" / "a.png"
    picture.parent.mkdir()
    picture.write_bytes(b"\0" * 1000)
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"
    zip_of({"report.html": report, "charts/a.png": picture, "c.bundle.zip": BUNDLE}, first)
    report.touch()
    zip_of({"c.bundle.zip": BUNDLE, "charts/a.png": picture.read_bytes(), "report.html": report.read_bytes()}, second)
    with zipfile.ZipFile(first) as archive:
        members = {info.filename: (info.file_size, info.compress_size < info.file_size) for info in archive.infolist()}
        assert archive.testzip() is None
    assert members == {"c.bundle.zip": (len(BUNDLE), False), "charts/a.png": (1000, False), "report.html": (11000, True)}
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../a", "a/../b", "a\\b", "a\nb", "c:a", "a//b", "a/"])
def test_zip_of__a_name_that_leads_elsewhere__is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="cannot be the name of a file in an artifact"):
        zip_of({name: b""}, tmp_path / "a.zip")


def test_files_of__leaves_links_and_pipes_out(tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "a.png").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    assert files_of(tmp_path) == {"charts/a.png": tmp_path / "charts/a.png", "b": tmp_path / "b"}


@pytest.mark.parametrize(
    "artifact",
    [
        BUNDLE,
        zipped({"manifest.json": b"{}", "x.bundle.zip": b"y"}),
        zipped({"a.bundle.zip": BUNDLE, "b.bundle.zip": BUNDLE}),
        zipped({"notes.txt": b"x"}),
        b"",
        b"no zip at all",
        BUNDLE[:-5],
    ],
)
def test_bundle_in__what_wraps_no_bundle__is_handed_on(artifact: bytes) -> None:
    assert bundle_in(artifact, LIMIT) == artifact


@pytest.mark.parametrize("name", ["candidate.bundle.zip", "out/candidate.bundle.zip", "../../x.bundle.zip"])
@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_bundle_in__what_upload_artifact_wrapped__is_unwrapped(name: str, how: int) -> None:
    assert bundle_in(zipped({name: BUNDLE, "readme.txt": b"hello"}, how), LIMIT) == BUNDLE


@pytest.mark.parametrize("content", [b"\0" * (LIMIT + 1), b"\0" * (64 * LIMIT)])
def test_bundle_in__a_bomb__is_not_unpacked(content: bytes) -> None:
    with pytest.raises(DataError, match="unpacks to more than 1 MiB"):
        bundle_in(zipped({"a.bundle.zip": content}, zipfile.ZIP_DEFLATED), LIMIT)


def test_bundle_in__a_bomb_that_lies_about_its_size__is_not_unpacked() -> None:
    artifact = zipped({"a.bundle.zip": b"\0" * (64 * LIMIT)}, zipfile.ZIP_DEFLATED)
    honest = struct.pack("<L", 64 * LIMIT)
    lying = artifact.replace(honest, struct.pack("<L", 1000))
    assert lying != artifact
    with pytest.raises(DataError):
        bundle_in(lying, LIMIT)


def test_bundle_in__a_member_with_damaged_bytes__is_refused() -> None:
    artifact = zipped({"a.bundle.zip": BUNDLE})
    with pytest.raises(DataError, match="The zip of the artifact is damaged"):
        bundle_in(artifact.replace(b"manifest.json{}", b"manifest.json[]"), LIMIT)


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_bundle_in__a_member_packed_as_nobody_does__is_refused(how: int) -> None:
    """Broken LZMA ends in an error that zipfile does not call its own."""
    artifact = bytearray(zipped({"a.bundle.zip": bytes(range(256)) * 40}, how))
    artifact[60:80] = b"\xff" * 20
    for unpack in (lambda data: bundle_in(data, LIMIT), lambda data: member(data, "a.bundle.zip", LIMIT)):
        with pytest.raises(DataError, match="packed in a way that no uploader of artifacts uses"):
            unpack(bytes(artifact))


def test_bundle_in__an_encrypted_member__is_refused() -> None:
    artifact = bytearray(zipped({"a.bundle.zip": BUNDLE}))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = artifact.find(signature) if signature == b"PK\3\4" else artifact.rfind(signature)
        artifact[at + offset] |= 1
    with pytest.raises(DataError):
        bundle_in(bytes(artifact), LIMIT)


def test_bundle_in__a_directory_of_a_hundred_thousand_members__is_not_even_read() -> None:
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = entry * 100_000
    artifact = directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(directory), 0, 0)
    assert len(zipfile.ZipFile(io.BytesIO(artifact)).infolist()) == 100_000
    assert bundle_in(artifact, LIMIT) == artifact
