"""Schema 1: what stands in each member of a bundle, and how that becomes the model and comes from it.

The declared types *are* the format: a member that is not exactly this is refused (unknown keys too: every change of the format
is a new schema with a package of its own beside this one, and a sample in ``tests/golden/bundle``). Knows nothing of zip files
beyond the names of members. ``time.json`` is written for others and never read.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from autoprof_ci.bundle import archive
from autoprof_ci.bundle.documents import check_syntax, parse_strictly
from autoprof_ci.bundle.refusal import escape_prose
from autoprof_ci.bundle.schema_1.code import code_from_members, member_of_code, stacks_from_member
from autoprof_ci.bundle.schema_1.manifest import Manifest, bundle_from_manifest, manifest_of_bundle
from autoprof_ci.bundle.schema_1.memory import member_of_memory, memory_from_members
from autoprof_ci.bundle.schema_1.numbers import (
    instructions_from_members,
    member_of_instructions,
    member_of_samples,
    samples_from_members,
)
from autoprof_ci.model import Bundle, Caveat, Recording


def to_members(bundle: Bundle) -> dict[str, bytes]:
    """All members but ``time.json``; those that would say nothing are left out. Text that a log could not show is escaped."""
    recording = bundle.recording
    members = {archive.MANIFEST: msgspec.json.format(msgspec.json.encode(manifest_of_bundle(bundle)), indent=1)}
    if recording.samples is not None:
        members[archive.SAMPLES] = msgspec.json.encode(member_of_samples(recording.samples))
    if recording.instructions:
        members[archive.INSTRUCTIONS] = msgspec.json.encode(member_of_instructions(recording.instructions))
    if recording.memory:
        members[archive.MEMORY] = msgspec.json.encode(member_of_memory(recording.memory))
    if recording.code:
        members[archive.CODE] = msgspec.json.encode(member_of_code(recording.code))
    for workload, stacks in sorted(recording.stacks.items()):
        members[archive.stacks_member(workload)] = escape_prose(stacks).encode()
    for binary in bundle.binaries:
        if binary.packed is not None:
            members[archive.binary_member(binary.name)] = binary.packed
    return members


def from_members(members: Mapping[str, bytes]) -> Bundle:
    """The inverse of `to_members`. Raises `RefusedError` for whatever that would not have written."""
    manifest = parse_strictly(archive.MANIFEST, members[archive.MANIFEST], Manifest)
    stacks = {
        workload: stacks_from_member(member, content)
        for member, content in members.items()
        if (workload := archive.workload_of_stacks(member)) is not None
    }
    recording = Recording(
        samples=samples_from_members(members),
        instructions=instructions_from_members(members),
        memory=memory_from_members(members),
        code=code_from_members(members),
        stacks=stacks,
        failed_workloads=manifest.failed_workloads,
        caveats=tuple(Caveat(code=caveat.code, detail=caveat.detail) for caveat in manifest.caveats),
    )
    if archive.TIME in members:
        check_syntax(archive.TIME, members[archive.TIME])
    return bundle_from_manifest(manifest, recording, members)
