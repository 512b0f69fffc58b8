// Takes tokens out of text: what begins like one and goes on long enough.

pub struct Kind {
    pub prefix: &'static [u8],
    pub least: usize,
}

pub const KINDS: [Kind; 4] = [
    Kind { prefix: b"ghp_", least: 30 },
    Kind { prefix: b"sk-", least: 20 },
    Kind { prefix: b"xoxb-", least: 20 },
    Kind { prefix: b"AKIA", least: 16 },
];

#[inline(never)]
pub fn scrub(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut clean = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        if may_begin(bytes[at])
            && let Some(length) = secret_at(&bytes[at..])
        {
            clean.push_str(&text[copied..at]);
            clean.push_str("[redacted]");
            at += length;
            copied = at;
            continue;
        }
        at += 1;
    }
    clean.push_str(&text[copied..]);
    clean
}

#[inline]
fn may_begin(byte: u8) -> bool {
    matches!(byte, b'g' | b's' | b'x' | b'A')
}

#[inline(never)]
fn secret_at(bytes: &[u8]) -> Option<usize> {
    for kind in &KINDS {
        if bytes.starts_with(kind.prefix) {
            let length = kind.prefix.len() + run_length(&bytes[kind.prefix.len()..]);
            if length >= kind.least {
                return Some(length);
            }
        }
    }
    None
}

fn run_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(bytes.len())
}
