// The tree.

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Add,
    Sub,
    Mul,
    And,
}

#[derive(PartialEq)]
pub enum Node {
    Number(u64),
    Name(u32),
    Pair(Op, Box<Node>, Box<Node>),
}

impl Clone for Node {
    #[inline(never)]
    fn clone(&self) -> Node {
        match self {
            Node::Number(value) => Node::Number(*value),
            Node::Name(name) => Node::Name(*name),
            Node::Pair(op, left, right) => Node::Pair(*op, Box::new((**left).clone()), Box::new((**right).clone())),
        }
    }
}

#[inline(never)]
pub fn depth(node: &Node) -> u64 {
    match node {
        Node::Pair(_, left, right) => 1 + depth(left).max(depth(right)),
        _ => 1,
    }
}
