// Formulas of names, numbers, four operations and brackets.
use kit::Dice;

pub const NAMES: [&str; 12] = ["a", "b", "c", "width", "height", "offset", "x", "y", "scale", "count", "rate", "limit"];

pub struct Source {
    dice: Dice,
}

impl Source {
    pub fn new(seed: u64) -> Self {
        Source { dice: Dice::new(seed) }
    }

    #[inline(never)]
    pub fn write_formula(&mut self, text: &mut String, depth: u32) {
        if depth == 0 || self.dice.below(12) == 0 {
            self.write_leaf(text);
            return;
        }
        text.push('(');
        self.write_formula(text, depth - 1);
        text.push_str([" + ", " - ", " * ", " & "][self.dice.below(4) as usize]);
        self.write_formula(text, depth - 1);
        text.push(')');
    }

    fn write_leaf(&mut self, text: &mut String) {
        match self.dice.below(5) {
            0 => text.push('0'),
            1 => text.push('1'),
            2 => {
                text.push((b'2' + self.dice.below(8) as u8) as char);
                text.push((b'0' + self.dice.below(10) as u8) as char);
            }
            _ => text.push_str(NAMES[self.dice.below(12) as usize]),
        }
    }
}
