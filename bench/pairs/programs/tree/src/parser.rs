// Tokens as a tree, by climbing precedence.
use crate::lexer::Token;
use crate::node::{Node, Op};

pub struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Parser<'a> {
    pub fn new(tokens: &'a [Token]) -> Self {
        Parser { tokens, at: 0 }
    }

    pub fn parse(&mut self) -> Option<Node> {
        let tree = self.sum(0)?;
        (self.at == self.tokens.len()).then_some(tree)
    }

    fn take(&mut self) -> Option<Token> {
        let token = *self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    #[inline(never)]
    fn sum(&mut self, least: u32) -> Option<Node> {
        let mut left = self.leaf()?;
        while let Some(&Token::Op(op)) = self.tokens.get(self.at) {
            let binding = binding(op);
            if binding < least {
                break;
            }
            self.at += 1;
            let right = self.sum(binding + 1)?;
            left = Node::Pair(op, Box::new(left), Box::new(right));
        }
        Some(left)
    }

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

fn binding(op: Op) -> u32 {
    match op {
        Op::And => 0,
        Op::Add | Op::Sub => 1,
        Op::Mul => 2,
    }
}
