"""``manifest.json``: where, when and how the bundle was measured, and which programs it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from autoprof_ci.bundle import archive
from autoprof_ci.bundle.refusal import RefusedError, shown
from autoprof_ci.bundle.schema_1.fields import (
    Bytes,
    FileName,
    Line,
    Positive,
    Prose,
    Record,
    Sha256,
    Time,
    check_distinct,
    line,
    optional_line,
    prose,
)
from autoprof_ci.bundle.schema_1.policy import PolicyRecord, policy_from_record, record_of_policy
from autoprof_ci.model import Bundle, CaveatCode, Machine, Recording, StoredBinary

SCHEMA = 1


class MachineRecord(Record, omit_defaults=True):
    """What has a default came later: a manifest without it is read, and one with nothing to say is written, as before."""

    architecture: Line
    cpu_model: Line
    cpu_features: Line
    cpus: Positive
    kernel: Line
    libc: Line
    perf: Line | None
    valgrind: Line | None
    heaptrack: Line | None = None
    sandbox: Line | None = None


class CaveatRecord(Record):
    code: CaveatCode
    detail: Prose


class BinaryRecord(Record):
    """`kept`: it is in ``binaries/NAME.zst``. `content_sha256`: of what that unpacks to, where it is not the whole file."""

    name: FileName
    sha256: Sha256
    size_bytes: Bytes
    build_id: Line | None
    debug_removed: bool
    content_sha256: Sha256 | None
    kept: bool


class Manifest(Record):
    schema: Annotated[int, Meta(ge=SCHEMA, le=SCHEMA)]
    session: Line
    tool_version: Line
    created_at: Time
    commit: Line | None
    ref: Line | None
    machine: MachineRecord | None
    policy: PolicyRecord | None
    workload_digests: dict[FileName, Line]
    failed_workloads: dict[FileName, Prose]
    caveats: tuple[CaveatRecord, ...]
    binaries: tuple[BinaryRecord, ...]


def manifest_of_bundle(bundle: Bundle) -> Manifest:
    recording = bundle.recording
    return Manifest(
        schema=SCHEMA,
        session=line(bundle.session),
        tool_version=line(bundle.tool_version),
        created_at=bundle.created_at,
        commit=optional_line(bundle.commit),
        ref=optional_line(bundle.ref),
        machine=None if bundle.machine is None else _machine_record(bundle.machine),
        policy=None if bundle.policy is None else record_of_policy(bundle.policy),
        workload_digests={name: line(digest) for name, digest in sorted(bundle.workload_digests.items())},
        failed_workloads={name: prose(why) for name, why in sorted(recording.failed_workloads.items())},
        caveats=tuple(CaveatRecord(code=caveat.code, detail=prose(caveat.detail)) for caveat in recording.caveats),
        binaries=tuple(_binary_record(binary) for binary in bundle.binaries),
    )


def bundle_from_manifest(manifest: Manifest, recording: Recording, members: Mapping[str, bytes]) -> Bundle:
    """The whole bundle around `recording`. `members`: for the programs in it."""
    machine = manifest.machine
    return Bundle(
        session=manifest.session,
        tool_version=manifest.tool_version,
        created_at=manifest.created_at,
        commit=manifest.commit,
        ref=manifest.ref,
        machine=None if machine is None else Machine(**msgspec.structs.asdict(machine)),
        policy=None if manifest.policy is None else policy_from_record(manifest.policy),
        workload_digests=manifest.workload_digests,
        recording=recording,
        binaries=_binaries(manifest, members),
    )


def _machine_record(machine: Machine) -> MachineRecord:
    return MachineRecord(
        architecture=line(machine.architecture),
        cpu_model=line(machine.cpu_model),
        cpu_features=line(machine.cpu_features),
        cpus=machine.cpus,
        kernel=line(machine.kernel),
        libc=line(machine.libc),
        perf=optional_line(machine.perf),
        valgrind=optional_line(machine.valgrind),
        heaptrack=optional_line(machine.heaptrack),
        sandbox=optional_line(machine.sandbox),
    )


def _binary_record(binary: StoredBinary) -> BinaryRecord:
    return BinaryRecord(
        name=binary.name,
        sha256=binary.sha256,
        size_bytes=binary.size_bytes,
        build_id=optional_line(binary.build_id),
        debug_removed=binary.debug_removed,
        content_sha256=binary.content_sha256,
        kept=binary.packed is not None,
    )


def _binaries(manifest: Manifest, members: Mapping[str, bytes]) -> tuple[StoredBinary, ...]:
    check_distinct(f"{archive.MANIFEST}, binaries", [record.name for record in manifest.binaries])
    kept = {archive.binary_member(record.name) for record in manifest.binaries if record.kept}
    for record in manifest.binaries:
        if record.debug_removed != (record.content_sha256 is not None):
            raise RefusedError(
                f"{archive.MANIFEST}, binary {record.name}: debug_removed and content_sha256 contradict each other"
            )
    there = {member for member in members if archive.is_binary(member)}
    for member in sorted(kept - there):
        raise RefusedError(f"member {shown(member)} is missing")
    for member in sorted(there - kept):
        raise RefusedError(f"member {shown(member)} is not in {archive.MANIFEST}")
    return tuple(
        StoredBinary(
            name=record.name,
            sha256=record.sha256,
            size_bytes=record.size_bytes,
            build_id=record.build_id,
            debug_removed=record.debug_removed,
            content_sha256=record.content_sha256,
            packed=members[archive.binary_member(record.name)] if record.kept else None,
        )
        for record in manifest.binaries
    )
