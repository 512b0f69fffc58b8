trait Shape {
    fn area(&self) -> u64;
    fn name(&self) -> &'static str {
        if self.area() > 100 { "large shape" } else { "small shape" }
    }
}

struct Square(u64);
struct Strip(u64, u64);
struct Dots([u32; 9]);

impl Shape for Square {
    fn area(&self) -> u64 {
        self.0 * self.0
    }
}

impl Shape for Strip {
    fn area(&self) -> u64 {
        self.0 * self.1
    }
    fn name(&self) -> &'static str {
        "strip"
    }
}

impl Shape for Dots {
    fn area(&self) -> u64 {
        self.0.iter().map(|&dot| u64::from(dot)).sum()
    }
}

impl PartialEq for Square {
    fn eq(&self, other: &Square) -> bool {
        self.area() == other.area()
    }
}

#[inline(never)]
pub fn answer(size: usize) -> u64 {
    let side = size as u64;
    let shapes: [Box<dyn Shape>; 3] = [Box::new(Square(side)), Box::new(Strip(side, 3)), Box::new(Dots([size as u32; 9]))];
    shapes.iter().map(|shape| shape.area() + shape.name().len() as u64).sum::<u64>() + u64::from(Square(side) == Square(9))
}
