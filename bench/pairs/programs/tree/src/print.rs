// A tree as text.
use crate::formulas::NAMES;
use crate::node::{Node, Op};

#[inline(never)]
pub fn print(node: &Node, out: &mut String) {
    match node {
        Node::Number(value) => push_number(*value, out),
        Node::Name(name) => out.push_str(NAMES[*name as usize % NAMES.len()]),
        Node::Pair(op, left, right) => {
            out.push('(');
            print(left, out);
            out.push(sign(*op));
            print(right, out);
            out.push(')');
        }
    }
}

fn sign(op: Op) -> char {
    match op {
        Op::Add => '+',
        Op::Sub => '-',
        Op::Mul => '*',
        Op::And => '&',
    }
}

#[inline(never)]
fn push_number(mut number: u64, out: &mut String) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    for &digit in &digits[at..] {
        out.push(digit as char);
    }
}
