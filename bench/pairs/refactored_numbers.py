"""Refactorings of the programs that work on trees and numbers: `tree` and `grid`."""

from __future__ import annotations

from bench.pairs.pair import Behind, Edit, Rename, Replace, ReplaceWord, within

TREE: dict[str, tuple[Edit, ...]] = {
    "rename-type": (ReplaceWord(old="Node", new="Term"),),
    "nest-modules": (
        Rename(path="src/lexer.rs", to="src/syntax/lexer.rs"),
        Rename(path="src/parser.rs", to="src/syntax/parser.rs"),
        Behind(path="src/syntax/mod.rs", text="pub mod lexer;\npub mod parser;"),
        *within("src/main.rs", ("mod lexer;\n", ""), ("mod parser;", "mod syntax;"), ("lexer::tokens", "syntax::lexer::tokens"),
             ("parser::Parser", "syntax::parser::Parser")),
        *within("src/syntax/parser.rs", ("use crate::lexer::", "use super::lexer::")),
    ),
    "inline": within("src/main.rs", ("#[inline(never)]\nfn checksum", "#[inline(always)]\nfn checksum")),
    "extract": within(
        "src/lexer.rs",
        ("""                let name = std::str::from_utf8(&text[at..end]).unwrap_or("");
                found.push(Token::Name(names.number(name)));
""", "                found.push(name(&text[at..end], names));\n"),
        ("#[inline(never)]\nfn number", """#[inline(never)]
fn name(text: &[u8], names: &mut Names) -> Token {
    Token::Name(names.number(std::str::from_utf8(text).unwrap_or("")))
}

#[inline(never)]
fn number"""),
    ),
    "method-to-function": within(
        "src/parser.rs",
        ("self.leaf()?", "leaf(self)?"),
        ("""
    #[inline(never)]
    fn leaf(&mut self) -> Option<Node> {
        match self.take()? {
            Token::Number(value) => Some(Node::Number(value)),
            Token::Name(name) => Some(Node::Name(name)),
            Token::Open => {
                let inner = self.sum(0)?;
                matches!(self.take()?, Token::Close).then_some(inner)
            }
            _ => None,
        }
    }
}
""", """}

#[inline(never)]
fn leaf(parser: &mut Parser<'_>) -> Option<Node> {
    match parser.take()? {
        Token::Number(value) => Some(Node::Number(value)),
        Token::Name(name) => Some(Node::Name(name)),
        Token::Open => {
            let inner = parser.sum(0)?;
            matches!(parser.take()?, Token::Close).then_some(inner)
        }
        _ => None,
    }
}
"""),
    ),
    "function-to-method": (
        *within("src/print.rs", ("#[inline(never)]\npub fn print(node: &Node, out: &mut String) {\n    match node {",
                              "impl Node {\n#[inline(never)]\npub fn print(&self, out: &mut String) {\n    match self {"),
             ("print(left, out);", "left.print(out);"), ("print(right, out);", "right.print(out);"),
             ("            out.push(')');\n        }\n    }\n}\n", "            out.push(')');\n        }\n    }\n}\n}\n")),
        *within("src/main.rs", ("print::print(&small, printed)", "small.print(printed)")),
    ),
    "loop-as-iterator": within(
        "src/main.rs",
        (
            """    let (mut low, mut high) = (1u32, 0u32);
    for &byte in bytes {
        low = (low + u32::from(byte)) % 65521;
        high = (high + low) % 65521;
    }
""",
            """    let (low, high) = bytes.iter().fold((1u32, 0u32), |(low, high), &byte| {
        let low = (low + u32::from(byte)) % 65521;
        (low, (high + low) % 65521)
    });
""",
        ),
    ),
}  # fmt: skip

_MEDIAN_FROM = "#[inline(never)]\npub fn median(keys: &mut [u32]) -> u32 {"

GRID: dict[str, tuple[Edit, ...]] = {
    "generic-to-crate": (
        *within(
            "src/runs.rs",
            ("""#[inline(never)]
fn length(bytes: &[u8]) -> usize {
    let first = bytes[0];
    let mut count = 1;
    while count < 255 && count < bytes.len() && bytes[count] == first {
        count += 1;
    }
    count
}
""", ""), ("= length(", "= kit::length("),
        ),
        Behind(path="kit/src/lib.rs", text="""#[inline(never)]
pub fn length<T: Copy + PartialEq>(items: &[T]) -> usize {
    let first = items[0];
    let mut count = 1;
    while count < 255 && count < items.len() && items[count] == first {
        count += 1;
    }
    count
}"""),
    ),
    "split-in-two": within(
        "src/matrix.rs",
        (
            """        for column in 0..SIDE {
            let mut sum = 0u64;
            for at in 0..SIDE {
                sum += left[row * SIDE + at] * right[at * SIDE + column] >> 8;
            }
            found[row * SIDE + column] = reduced(sum);
        }
    }
    found
}
""",
            """        one_row(left, right, &mut found, row);
    }
    found
}

#[inline(never)]
fn one_row(left: &Matrix, right: &Matrix, found: &mut Matrix, row: usize) {
    for column in 0..SIDE {
        let mut sum = 0u64;
        for at in 0..SIDE {
            sum += left[row * SIDE + at] * right[at * SIDE + column] >> 8;
        }
        found[row * SIDE + column] = reduced(sum);
    }
}
""",
        ),
    ),
    "merge-two": within("src/order.rs", ("#[inline(never)]\nfn split", "#[inline(always)]\nfn split")),
    "loop-as-iterator": within(
        "src/checksum.rs",
        ("""    let mut sum = !0u32;
    for &byte in bytes {
        sum = TABLE[((sum ^ u32::from(byte)) & 0xFF) as usize] ^ (sum >> 8);
    }
    u64::from(!sum)""",
         "    u64::from(!bytes.iter().fold(!0u32, |sum, &byte| TABLE[((sum ^ u32::from(byte)) & 0xFF) as usize] ^ (sum >> 8)))"),
    ),
    "reordered": (
        Replace(path="src/order.rs", old=_MEDIAN_FROM, new="#[inline(never)]\npub fn middle(keys: &mut [u32]) -> u32 {"),
        Replace(path="src/main.rs", old="order::median(", new="order::middle("),
    ),
    "rename-and-move": (
        *within("src/main.rs", ("runs::unpack(", "life::spread(")),
        *within("src/runs.rs", ("""
#[inline(never)]
pub fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(packed.len() * 2);
    for pair in packed.chunks_exact(2) {
        for _ in 0..pair[0] {
            bytes.push(pair[1]);
        }
    }
    bytes
}
""", "")),
        Behind(path="src/life.rs", text="""#[inline(never)]
pub fn spread(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(packed.len() * 2);
    for pair in packed.chunks_exact(2) {
        for _ in 0..pair[0] {
            bytes.push(pair[1]);
        }
    }
    bytes
}"""),
    ),
    "whole-loop-inline": within("src/matrix.rs", ("#[inline(never)]\npub fn product", "pub fn product")),
}  # fmt: skip
