// Trees without what changes nothing.
use crate::node::{Node, Op};

#[inline(never)]
pub fn simplify(node: Node) -> Node {
    match node {
        Node::Pair(op, left, right) => {
            let left = simplify(*left);
            let right = simplify(*right);
            combine(op, left, right)
        }
        leaf => leaf,
    }
}

#[inline(never)]
fn combine(op: Op, left: Node, right: Node) -> Node {
    if let (Node::Number(a), Node::Number(b)) = (&left, &right) {
        return Node::Number(apply(op, *a, *b));
    }
    match (op, &left, &right) {
        (Op::Mul | Op::And, Node::Number(0), _) | (Op::Mul | Op::And, _, Node::Number(0)) => Node::Number(0),
        (Op::Mul, Node::Number(1), _) | (Op::Add, Node::Number(0), _) => right,
        (Op::Mul, _, Node::Number(1)) | (Op::Add | Op::Sub, _, Node::Number(0)) => left,
        _ => Node::Pair(op, Box::new(left), Box::new(right)),
    }
}

pub fn apply(op: Op, a: u64, b: u64) -> u64 {
    match op {
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        Op::Mul => a.wrapping_mul(b),
        Op::And => a & b,
    }
}
