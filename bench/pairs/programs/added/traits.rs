use std::fmt::{self, Display};

trait Shape {
    fn area(&self) -> u64;
    fn name(&self) -> String {
        format!("shape of {}", self.area())
    }
}

struct Square(u64);
struct Strip(u64, u64);
struct Dots(Vec<u32>);

impl Shape for Square {
    fn area(&self) -> u64 {
        self.0 * self.0
    }
}

impl Shape for Strip {
    fn area(&self) -> u64 {
        self.0 * self.1
    }
    fn name(&self) -> String {
        format!("strip of {} by {}", self.0, self.1)
    }
}

impl Shape for Dots {
    fn area(&self) -> u64 {
        self.0.iter().map(|&dot| u64::from(dot)).sum()
    }
}

impl Display for Square {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "[{}]", self.0)
    }
}

#[inline(never)]
pub fn answer(size: usize) -> u64 {
    let side = size as u64;
    let shapes: [Box<dyn Shape>; 3] = [Box::new(Square(side)), Box::new(Strip(side, 3)), Box::new(Dots(vec![1; size]))];
    shapes.iter().map(|shape| shape.area() + shape.name().len() as u64).sum::<u64>() + Square(side).to_string().len() as u64
}
