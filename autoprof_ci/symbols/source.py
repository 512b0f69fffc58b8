"""Demangled Rust and C++ text -> the name of the function as written, the same from every mangling scheme and demangler.

Knows the grammar of demangled names. Knows nothing of mangling (but for the one fact about a v0 symbol that its demangled form
has lost, `rust_root`), of profilers or of the C library.

Rules, Rust:

- Generic arguments go, of functions, types and traits: legacy names never had a function's and show parameter names for a
  type's (``Vec<T,A>``) where v0 shows the concrete ones. ``[u8]``, ``[T; 4]`` become ``[T]``. Only ``drop_in_place<Type>``
  keeps its type, without its arguments: it is that type's destructor.
- ``<Type as Trait>::f`` for methods of trait implementations, also for ``module::<impl Trait for Type>::f``.
- ``path::Type::f`` for inherent methods, also for ``<path::Type>::f`` and ``module::<impl path::Type>::f``;
  ``core::str::<impl str>::f`` where the type is built in.
- ``path::Trait::f`` for provided methods of a trait: legacy names do not know the type.
- ``{closure}`` for closures of any number; shims count as the function they stand before.

What the two schemes cannot agree on: methods of a blanket implementation, ``<T as Trait>`` in legacy and a concrete type in v0.

Rules, C++: template arguments, parameters, return types, qualifiers, ABI tags and inline namespaces of the standard library go;
lambdas are ``{lambda}``; a thunk is the function it leads to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """What a v0 symbol knows of its outermost path and the demangled text does not."""

    provided_method: bool = False
    """``<Type as Trait>`` is a method that the trait provides, not one that an ``impl`` defines."""
    impl_module: str | None = None
    """The module of the inherent ``impl``."""


_UNKNOWN_ROOT = Root()
_V0_ROOT = re.compile(r"_{1,3}R\d*(?:I|N[A-Za-z])*([YM])")
_V0_IMPL_PATH = re.compile(r"(?:s[0-9A-Za-z]*_)?((?:N[A-Za-z])*)C(?:s[0-9A-Za-z]*_)?")
_V0_IDENTIFIER = re.compile(r"(?:s[0-9A-Za-z]*_)?([1-9]\d*)_?")


def rust_root(mangled: str) -> Root:
    """Source: the v0 grammar, https://doc.rust-lang.org/rustc/symbol-mangling/v0.html. Any other symbol: nothing is known."""
    found = _V0_ROOT.match(mangled)
    if found is None:
        return _UNKNOWN_ROOT
    if found[1] == "Y":
        return Root(provided_method=True)
    path = _V0_IMPL_PATH.match(mangled, found.end())
    if path is None:
        return _UNKNOWN_ROOT
    names = []
    at = path.end()
    for _ in range(1 + len(path[1]) // 2):
        identifier = _V0_IDENTIFIER.match(mangled, at)
        if identifier is None:
            return _UNKNOWN_ROOT
        at = identifier.end() + int(identifier[1][:6])
        names.append(mangled[identifier.end() : at])
    return Root(impl_module="::".join(names))


_ESCAPE = re.compile(r"\$(LT|GT|RF|BP|LP|RP|SP|C|u[0-9a-f]{2})\$")
_ESCAPED = {"LT": "<", "GT": ">", "RF": "&", "BP": "*", "LP": "(", "RP": ")", "SP": "@", "C": ","}
_DISAMBIGUATOR = re.compile(r"(?<=\w)\[[0-9a-f]{6,16}\](?=::)")
_ABI_TAG = re.compile(r"\[abi:\w+\]")
_INLINE_NAMESPACE = re.compile(r"(?<=\bstd::)(?:__1|__ndk1|_V2)::|(?<=::)__cxx11::")
_SHIM = re.compile(r"(?:::)?\{shim:[^{}]*\}|\{\{vtable\.shim\}\}")
_BRACES = re.compile(r"\{{1,2}([a-z_]+(?: type)?)(?::[^{}#]*)?(?:#\d+)?\}{1,2}")
_CPP_LAMBDA = re.compile(r"'lambda\d*'|(?<=::)\$_\d+")
_OPERATOR = re.compile(r"\boperator(?:\(\)|<=>|<<=|>>=|->\*|->|<<|>>|<=|>=|<|>|\*|&&|&|,)")
_ARGUMENTS = re.compile(r"(::)?<([^<>]*)>")
_DROPPED_MODULE = re.compile(r"(?<![\w:{}])[\w:{}]*\x05")
_PARAMETERS = re.compile(r"(?<=[^\s(,&*\[\x01])\([^()]*\)|\s?\((?:[\w:]*::)?(?:[*&]|const| )+\)")
_QUALIFIERS = re.compile(r"\x06(?: (?:const|volatile|noexcept)\b|\s?&&?)*")
_TRAILING_QUALIFIER = re.compile(r"(?<=\S)(?: (?:const|volatile|&&?))+$")
_THUNK = re.compile(r"(?:(?:non-virtual|virtual|covariant return) thunk to|transaction clone for) ")
_BRACED_THUNK = re.compile(r"\{virtual override thunk\((?:\{[^{}]*\}, )+(.*)\)\}")
_DROP_IN_PLACE = re.compile(r"core::ptr::drop_in_place(?:::)?<(.*)>")
_ELEMENT = re.compile(r"\[[^\[\]]+\]")
_LIFETIME = re.compile(r"'\w+ | ?\+ ?'\w+|^for ")
_SEPARATOR = re.compile(r" ?([,+]) ?")
_FREE_FUNCTION = re.compile(r"[\w~ *&:<>,]*[\w>]\([^()]*\)(?: const)?")
_TO_READ = re.compile(r"[<({\['$ ]|\bstd::|::__cxx11::")
_TYPEDEF = re.compile(r"\bstd::(string|[io]o?stream)::(?:(~?)\1\b)?")

# Stand-ins for what must not be taken for brackets. No name holds them: control characters have been escaped before.
_KEPT_OPEN, _KEPT_CLOSE, _KEPT_AS, _NO_MODULE, _CALL = "\x01", "\x02", "\x03", "\x05", "\x06"
_HIDE = str.maketrans({"<": "\x0e", ">": "\x0f", "(": "\x10", ")": "\x11", "*": "\x13", "&": "\x14", ",": "\x15"})
_SHOW = str.maketrans(
    {_KEPT_OPEN: "<", _KEPT_CLOSE: ">", _KEPT_AS: " as ", _CALL: None, "\x0e": "<", "\x0f": ">", "\x10": "(", "\x11": ")"}
    | {"\x12": "->", "\x13": "*", "\x14": "&", "\x15": ","}
)
_MAX_CHARACTERS = 16_384
_MAX_DEPTH = 256
"""Deeper nesting is left as it is: no source has it, and each level is one pass over the text."""


def other_name(text: str) -> str:
    """The name of the function as written, of text that came demangled; what is neither Rust nor C++ comes back as it is."""
    if "$" in text and _ESCAPE.search(text) is not None:
        text = _unescaped(text)
    text = _ABI_TAG.sub("", text) if "[abi:" in text else text
    if "::" not in text and _FREE_FUNCTION.fullmatch(text) is None:
        return text
    return source_name(text[1:] if text.startswith("_<") else text, _UNKNOWN_ROOT)


def source_name(text: str, root: Root) -> str:
    """The name of the function as written, of the demangled `text` of a Rust or C++ symbol."""
    if len(text) > _MAX_CHARACTERS or _TO_READ.search(text) is None:
        return text
    if "[" in text:
        text = _DISAMBIGUATOR.sub("", _ABI_TAG.sub("", text))
    if "{" in text:
        text = _BRACES.sub(_brace, _SHIM.sub("", _BRACED_THUNK.sub(r"\1", text)))
    if "::_" in text or "std::" in text:
        text = _TYPEDEF.sub(_without_typedef, _INLINE_NAMESPACE.sub("", text))
    dropped = _DROP_IN_PLACE.fullmatch(text)
    if dropped is not None:
        return f"core::ptr::drop_in_place<{_shown(_type(_without_arguments(_hidden(dropped[1]), _UNKNOWN_ROOT)))}>"
    return _shown(_without_signature(_without_arguments(_hidden(_THUNK.sub("", text)), root)))


def _without_typedef(found: re.Match[str]) -> str:
    """``std::string::~string`` is what one demangler makes of ``std::basic_string<...>::~basic_string``."""
    member = "" if found[2] is None else f"{found[2]}basic_{found[1]}"
    return f"std::basic_{found[1]}::{member}"


def _unescaped(text: str) -> str:
    """``_$LT$T$u20$as$u20$core..any..Any$GT$::f``: a legacy Rust name that a C++ demangler took apart."""
    text = _ESCAPE.sub(lambda found: _ESCAPED.get(found[1]) or chr(int(found[1][1:], 16)), text)
    return text.replace("..", "::")


def _hidden(text: str) -> str:
    if "(" in text:
        text = text.replace("(anonymous namespace)", "\x10anonymous namespace\x11").replace("decltype (", "decltype(")
    if "operator" in text:
        text = _OPERATOR.sub(lambda found: found[0].translate(_HIDE), text)
        text = text.replace("\x0e <", "\x0e<").replace("\x0f <", "\x0f<")
    # A legacy Rust name spells the arrow of a function type so: fn() .> T.
    return text.replace("->", "\x12").replace(" .>", " \x12")


def _brace(found: re.Match[str]) -> str:
    return "{" + found[1].removesuffix("_env") + "}"


def _shown(text: str) -> str:
    if "{lambda" in text or "{unnamed" in text:
        text = _BRACES.sub(_brace, text.replace(_CALL, ""))
    if "'" in text or "$_" in text:
        text = _CPP_LAMBDA.sub("{lambda}", text)
    return text.translate(_SHOW).strip()


def _without_arguments(text: str, root: Root) -> str:
    """From the innermost pair of angle brackets to the outermost: arguments go, ``<Type as Trait>`` stays."""

    def group(found: re.Match[str]) -> str:
        separator, inside = found[1] or "", found[2]
        before = text[found.start() - 1] if found.start() > 0 else ""
        if inside.startswith("impl "):
            return _impl_header(separator, inside.removeprefix("impl "))
        if separator or before.isalnum() or before in _ENDS_OF_NAME:
            return ""
        outermost = found.start() == 0
        self_type, is_qualified, trait = inside.partition(" as ")
        if not is_qualified:
            return _inherent(_type(inside), root.impl_module if outermost else None)
        if outermost and root.provided_method:
            return trait
        return _method_of(_type(self_type), trait)

    for _ in range(_MAX_DEPTH):
        shorter = _ARGUMENTS.sub(group, text)
        if _NO_MODULE in shorter:
            shorter = _DROPPED_MODULE.sub("", shorter)
        if shorter == text:
            break
        text = shorter
    return text


_ENDS_OF_NAME = frozenset("_}])\x02\x0e\x0f\x11\x13\x14\x15'~!=+-*/%^|,$")


def _method_of(self_type: str, trait: str) -> str:
    """What is formatted through a reference has one source, ``impl Debug for &T``, of which v0 would show every T."""
    if self_type[:1] == "&" and trait.startswith("core::fmt::"):
        self_type = "&mut T" if self_type.startswith("&mut ") else "&T"
    return f"{_KEPT_OPEN}{self_type}{_KEPT_AS}{trait}{_KEPT_CLOSE}"


def _impl_header(separator: str, inside: str) -> str:
    trait, is_trait, self_type = inside.partition(" for ")
    if is_trait:
        return f"{_NO_MODULE if separator else ''}{_method_of(_type(self_type), trait)}"
    path = _type(inside)
    if _is_path(path):
        return f"{_NO_MODULE if separator else ''}{path}"
    return f"{separator}{_KEPT_OPEN}impl {path}{_KEPT_CLOSE}"


def _inherent(self_type: str, module: str | None) -> str:
    if _is_path(self_type):
        return self_type
    if module is not None:
        return f"{module}::{_KEPT_OPEN}impl {self_type}{_KEPT_CLOSE}"
    return f"{_KEPT_OPEN}{self_type}{_KEPT_CLOSE}"


def _is_path(self_type: str) -> bool:
    """Is it a named type (``alloc::vec::Vec``), and not one that is built in (``str``, ``[T]``, ``&T``, ``dyn Trait``)?"""
    return "::" in self_type and " " not in self_type and (self_type[0].isalpha() or self_type[0] in "_\x01")


def _type(text: str) -> str:
    if "'" in text or text.startswith("for "):
        text = _LIFETIME.sub("", text)
    if "[" in text:
        text = _ELEMENT.sub("[T]", text)
    if "," in text or "+" in text:
        text = _SEPARATOR.sub(_spaced, text)
    return text.strip()


def _spaced(found: re.Match[str]) -> str:
    return ", " if found[1] == "," else " + "


def _without_signature(text: str) -> str:
    """C++: parameters of every level, qualifiers behind them, and the return type before the name."""
    if _KEPT_OPEN in text:
        return text
    text = _TRAILING_QUALIFIER.sub("", text)
    if "(" not in text:
        return text
    for _ in range(_MAX_DEPTH):
        shorter = _PARAMETERS.sub(_CALL, text)
        if shorter == text:
            break
        text = shorter
    if _CALL not in text:
        return text
    text = _QUALIFIERS.sub("", text)
    before_operator = text.rfind("operator")
    name = text[_start_of_name(text if before_operator < 0 else text[:before_operator]) :]
    return name.lstrip("(*&").rstrip(")")


def _start_of_name(text: str) -> int:
    """Behind the last space that is not part of ``(anonymous namespace)``, ``{unnamed type}``."""
    masked = text.replace("anonymous namespace", "anonymous_namespace").replace("unnamed type", "unnamed_type")
    return masked.rfind(" ") + 1
