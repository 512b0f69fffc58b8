"""Machine code as evidence: did a function's code change, apart from where the linker put it, and which lines is it made of?

Pure: bytes of program files and names of what ran in; `FunctionCode` out. The parts:

    tables    sections, symbols, slots of a program file
    image     what lies at an address of it                   bodies    what a function does, comparable between builds
    x86_64, aarch64   instructions without addresses           lines     which source lines it comes from
    sameness  does a function do the same in another build, under this name or another
    addresses by which names an address goes                  check     what a build lacks
    known     functions of one or two programs, by the names that the rest of the project uses
"""

from autoprof_ci.machine_code.addresses import Addresses
from autoprof_ci.machine_code.check import Readable, readable
from autoprof_ci.machine_code.known import KnownProgram, ProgramFile, known_code
from autoprof_ci.machine_code.lines import Origins
from autoprof_ci.machine_code.tables import UnreadableError

__all__ = ["Addresses", "KnownProgram", "Origins", "ProgramFile", "Readable", "UnreadableError", "known_code", "readable"]
