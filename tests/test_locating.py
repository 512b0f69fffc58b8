"""Names of files as debug information has them, against a checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoprof_ci.commands.locating import locator

FILES = (
    "src/redact.rs",
    "src/lib.rs",
    "crates/keys/src/lib.rs",
    "main.c",
    "vendor/serde/src/de.rs",
    "target/release/build/x/out/gen.rs",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    for name in FILES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "secret.rs").touch()
    return root


@pytest.mark.parametrize(
    ("named", "path"),
    [
        ("/home/runner/work/x/x/src/redact.rs", "src/redact.rs"),
        ("/home/runner/work/x/x/crates/keys/src/lib.rs", "crates/keys/src/lib.rs"),
        ("/build/main.c", "main.c"),
        ("/home/me/x/build/../src/./redact.rs", "src/redact.rs"),
        ("src/redact.rs", "src/redact.rs"),
        ("./src//redact.rs", "src/redact.rs"),
        ("/home/me/vendor/serde/src/de.rs", "vendor/serde/src/de.rs"),
        ("/rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/src/lib.rs", None),
        ("/home/me/.cargo/registry/src/index.crates.io-6f17d22bba15001f/memchr-2.7.4/src/lib.rs", None),
        ("/home/me/.cargo/git/checkouts/x/1f0a2c4/src/lib.rs", None),
        ("/home/me/.rustup/toolchains/stable/lib/rustlib/src/rust/src/lib.rs", None),
        ("/home/me/go/pkg/mod/github.com/a/b@v1/main.c", None),
        ("/usr/include/main.c", None),
        ("/home/me/x/target/release/build/x/out/gen.rs", None),
        ("target/release/build/x/out/gen.rs", None),
        ("/home/me/elsewhere.rs", None),
        ("../secret.rs", None),
        ("/workspace/../secret.rs", None),
        ("src", None),
        ("/src/", None),
        ("", None),
        ("/", None),
        ("src/\nredact.rs", None),
        ("/" * 5000 + "main.c", None),
        ("/a" * 2000 + "/main.c", "main.c"),
        ("/" + "a" * 300 + "/main.c", "main.c"),
    ],
)
def test_locator__finds_what_the_checkout_has(named: str, path: str | None, checkout: Path) -> None:
    assert locator(checkout, checkout)(named) == path


def test_locator__of_the_checkout_itself(checkout: Path) -> None:
    locate = locator(checkout, checkout)
    assert locate(str(checkout / "src/redact.rs")) == "src/redact.rs"
    assert locate(str(checkout / "../secret.rs")) is None
    assert locate(str(checkout.resolve().parent / "secret.rs")) is None


def test_locator__starts_where_the_build_did(checkout: Path) -> None:
    locate = locator(checkout, checkout / "crates/keys")
    assert locate("src/lib.rs") == "crates/keys/src/lib.rs"
    assert locate("src/redact.rs") == "src/redact.rs"
    assert locate("../../main.c") == "main.c"


def test_locator__of_a_folder_outside(checkout: Path) -> None:
    assert locator(checkout, checkout.parent)("src/lib.rs") == "src/lib.rs"


def test_locator__leaves_the_registry_alone_also_inside_of_the_checkout(checkout: Path) -> None:
    cached = checkout / ".cargo/registry/src/x/src/lib.rs"
    cached.parent.mkdir(parents=True)
    cached.touch()
    assert locator(checkout, checkout)(str(cached)) is None
