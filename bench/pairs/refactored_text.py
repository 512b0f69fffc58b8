# ruff: noqa: E501 (Rust as it stands in the file)
"""Refactorings of the programs that work on text: `redact` and `index`."""

from __future__ import annotations

from bench.pairs.pair import Behind, Edit, Front, Rename, ReplaceWord, within

REDACT: dict[str, tuple[Edit, ...]] = {
    "rename-function": (ReplaceWord(old="scrub", new="without_secrets"),),
    "rename-module": (
        Rename(path="src/utf8.rs", to="src/columns.rs"),
        *within("src/main.rs", ("mod utf8;", "mod columns;"), ("utf8::width", "columns::width")),
    ),
    "split-in-two": within(
        "src/hash.rs",
        (
            """        let mut words = [0u32; 4];
        for (index, &byte) in block.iter().enumerate() {
            words[index / 4] = (words[index / 4] << 8) | u32::from(byte);
        }
        compress(&mut state, &words);""",
            "        compress(&mut state, &packed(block));",
        ),
        (
            "#[inline(never)]\nfn compress",
            """#[inline(never)]
fn packed(block: &[u8]) -> [u32; 4] {
    let mut words = [0u32; 4];
    for (index, &byte) in block.iter().enumerate() {
        words[index / 4] = (words[index / 4] << 8) | u32::from(byte);
    }
    words
}

#[inline(never)]
fn compress""",
        ),
    ),
    "inline": within("src/json.rs", ("#[inline(never)]\n    fn number", "#[inline(always)]\n    fn number")),
    "un-inline": within("src/utf8.rs", ("fn wide", "#[inline(never)]\nfn wide")),
    "loop-as-iterator": within(
        "src/hash.rs",
        (
            """    let mut sum = 0x811C_9DC5u32;
    for &byte in bytes {
        sum = (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    sum""",
            "    bytes.iter().fold(0x811C_9DC5, |sum: u32, &byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))",
        ),
    ),
    "reordered": within(
        "src/json.rs",
        ("            b'n' => found.push(b'\\n'),\n            b't' => found.push(b'\\t'),\n", ""),
        ("            _ => return None,\n        }\n        Some(())", "            b't' => found.push(b'\\t'),\n"
         "            b'n' => found.push(b'\\n'),\n            _ => return None,\n        }\n        Some(())"),
        ("            b\"time\" => entry.time = reader.number()?,\n            b\"level\" => entry.level = reader.number()?,\n",
         "            b\"level\" => entry.level = reader.number()?,\n            b\"time\" => entry.time = reader.number()?,\n"),
    ),
    "merge-two": within("src/escape.rs", ("#[inline(never)]\nfn push_escaped", "#[inline(always)]\nfn push_escaped")),
}  # fmt: skip

_TWO_HASHES = """#[inline(never)]
fn two_hashes(bytes: &[u8]) -> (u64, u64) {
    let mut first = 0x9E37_79B9u64;
    let mut second = 0x85EB_CA6Bu64;
    for &byte in bytes {
        first = (first ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        second = (second.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0xC2B2_AE35);
    }
    (first ^ (first >> 29), second | 1)
}
"""

INDEX: dict[str, tuple[Edit, ...]] = {
    "merge-two": within("src/rank.rs", ("#[inline(never)]\nfn order", "#[inline(always)]\nfn order")),
    "move-to-crate": (
        *within("src/bloom.rs", (_TWO_HASHES, ""), ("= two_hashes(", "= kit::two_hashes(")),
        Behind(path="kit/src/lib.rs", text=_TWO_HASHES.replace("fn two", "pub fn two")),
    ),
    "to-generic": within(
        "src/postings.rs",
        ("fn push_number(packed: &mut Vec<u8>, mut number: u32) {",
         "fn push_number<N: Into<u32>>(packed: &mut Vec<u8>, number: N) {\n    let mut number = number.into();"),
    ),
    "method-to-function": (
        *within("src/postings.rs", (
            "\n    #[inline(never)]\n    pub fn find(&self, word: &str) -> Option<&Postings> {\n        self.words.get(word)\n    }\n", ""),
            ("#[inline(never)]\nfn push_number", "#[inline(never)]\npub fn find<'a>(index: &'a Index, word: &str) -> "
             "Option<&'a Postings> {\n    index.words.get(word)\n}\n\n#[inline(never)]\nfn push_number")),
        *within("src/query.rs", ("index.find(", "find(index, "), ("{Index, unpack}", "{Index, find, unpack}")),
        *within("src/rank.rs", ("index.find(", "find(index, "), ("{Index, unpack}", "{Index, find, unpack}")),
    ),
    "newtype": (
        Front(path="src/query.rs", text="#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]\npub struct Document(pub u32);\n"),
        *within(
            "src/query.rs",
            ("-> Vec<u32> {\n    let mut lists: Vec<Vec<u32>>", "-> Vec<Document> {\n    let mut lists: Vec<Vec<Document>>"),
            ("fn documents(places: &[u32]) -> Vec<u32> {\n    let mut found: Vec<u32>",
             "fn documents(places: &[u32]) -> Vec<Document> {\n    let mut found: Vec<Document>"),
            ("let document = place >> 8;", "let document = Document(place >> 8);"),
            ("fn united(left: &[u32], right: &[u32]) -> Vec<u32>", "fn united(left: &[Document], right: &[Document]) -> Vec<Document>"),
        ),
        *within("src/rank.rs", ("documents: &[u32]", "documents: &[crate::query::Document]"),
             ("documents.iter().map(|&document|", "documents.iter().map(|&crate::query::Document(document)|")),
    ),
    "argument-order": within(
        "src/spelling.rs",
        ("distance(word.as_bytes(), other.as_bytes(), &mut room)", "distance(&mut room, word.as_bytes(), other.as_bytes())"),
        ("fn distance(left: &[u8], right: &[u8], row: &mut [u32; 32])", "fn distance(row: &mut [u32; 32], left: &[u8], right: &[u8])"),
    ),
    "split-in-three": within(
        "src/rank.rs",
        ("    let mut scores = [0u32; 64];\n", "    let mut scores = [0u32; 64];\n    score(index, words, &mut scores);\n"
         "    ranking(index, documents, &scores)\n}\n\n#[inline(never)]\nfn score(index: &Index, words: &[String], scores: &mut [u32; 64]) {\n"),
        ("            }\n        }\n    }\n    let mut ranked", "            }\n        }\n    }\n}\n\n#[inline(never)]\n"
         "fn ranking(index: &Index, documents: &[u32], scores: &[u32; 64]) -> Vec<(u32, u32)> {\n    let mut ranked"),
    ),
    "trait-method": (
        *within("src/stem.rs",
             ("#[inline(never)]\npub fn stem(word: &str) -> &str {", "pub trait Stemmer {\n    fn stem(word: &str) -> &str;\n}\n\n"
              "pub struct Short;\n\nimpl Stemmer for Short {\n#[inline(never)]\nfn stem(word: &str) -> &str {"),
             ("    word\n}\n", "    word\n}\n}\n")),
        *within("src/main.rs", ("stem::stem(&word)", "<stem::Short as stem::Stemmer>::stem(&word)")),
        *within("src/query.rs", ("stem::stem(word)", "<stem::Short as stem::Stemmer>::stem(word)")),
        *within("src/rank.rs", ("stem::stem(word)", "<stem::Short as stem::Stemmer>::stem(word)")),
    ),
}  # fmt: skip
