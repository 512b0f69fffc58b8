// Formulas as tokens.
use crate::intern::Names;
use crate::node::Op;

#[derive(Clone, Copy)]
pub enum Token {
    Number(u64),
    Name(u32),
    Op(Op),
    Open,
    Close,
}

#[inline(never)]
pub fn tokens(text: &[u8], names: &mut Names) -> Vec<Token> {
    let mut found = Vec::with_capacity(16);
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        let token = match byte {
            b'(' => Token::Open,
            b')' => Token::Close,
            b'+' => Token::Op(Op::Add),
            b'-' => Token::Op(Op::Sub),
            b'*' => Token::Op(Op::Mul),
            b'&' => Token::Op(Op::And),
            b'0'..=b'9' => {
                let (value, end) = number(text, at);
                at = end;
                found.push(Token::Number(value));
                continue;
            }
            b'a'..=b'z' => {
                let end = name_end(text, at);
                let name = std::str::from_utf8(&text[at..end]).unwrap_or("");
                found.push(Token::Name(names.number(name)));
                at = end;
                continue;
            }
            _ => {
                at += 1;
                continue;
            }
        };
        found.push(token);
        at += 1;
    }
    found
}

#[inline(never)]
fn number(text: &[u8], mut at: usize) -> (u64, usize) {
    let mut value = 0;
    while at < text.len() && text[at].is_ascii_digit() {
        value = value * 10 + u64::from(text[at] - b'0');
        at += 1;
    }
    (value, at)
}

fn name_end(text: &[u8], begin: usize) -> usize {
    let mut at = begin;
    while at < text.len() && (text[at].is_ascii_lowercase() || text[at] == b'_') {
        at += 1;
    }
    at
}
