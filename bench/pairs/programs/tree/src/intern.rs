// Names as numbers.
use std::collections::HashMap;

#[derive(Default)]
pub struct Names {
    known: HashMap<String, u32>,
}

impl Names {
    #[inline(never)]
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.known.get(name) {
            return number;
        }
        let number = self.known.len() as u32;
        self.known.insert(name.to_owned(), number);
        number
    }

    pub fn count(&self) -> u64 {
        self.known.len() as u64
    }
}
