// What a tree is worth where names stand for numbers.
use crate::node::Node;
use crate::simplify::apply;

pub struct Scope {
    values: Vec<(u32, u64)>,
    pub asked: u64,
}

impl Scope {
    pub fn new() -> Self {
        Scope { values: (0..12).map(|name| (name, 0)).collect(), asked: 0 }
    }

    pub fn set(&mut self, seed: u64) {
        for (name, value) in &mut self.values {
            *value = kit::stir(seed, u64::from(*name)) & 0xFFFF;
        }
    }

    #[inline(never)]
    pub fn get(&self, wanted: u32) -> u64 {
        for &(name, value) in &self.values {
            if name == wanted {
                return value;
            }
        }
        0
    }
}

#[inline(never)]
pub fn eval(node: &Node, scope: &mut Scope) -> u64 {
    match node {
        Node::Number(value) => *value,
        Node::Name(name) => {
            scope.asked += 1;
            scope.get(*name)
        }
        Node::Pair(op, left, right) => {
            let a = eval(left, scope);
            let b = eval(right, scope);
            apply(*op, a, b)
        }
    }
}
