// Documents of words that are made of syllables; short numbers are frequent, as short words are.
use kit::Dice;

const HEADS: [&str; 16] = ["ba", "co", "de", "fi", "gra", "hu", "in", "ja", "ko", "li", "mo", "nu", "pre", "re", "sta", "tu"];
const MIDDLES: [&str; 8] = ["", "la", "ni", "to", "ver", "sen", "dig", "mar"];
const TAILS: [&str; 8] = ["", "s", "ing", "ed", "er", "ness", "ation", "ly"];

pub struct Source {
    dice: Dice,
}

impl Source {
    pub fn new(seed: u64) -> Self {
        Source { dice: Dice::new(seed) }
    }

    #[inline(never)]
    pub fn write_document(&mut self, text: &mut String) {
        for place in 0..90 {
            let begin = text.len();
            self.write_word(text);
            if place % 9 == 0 {
                text[begin..].begin_upper();
            }
            text.push_str(if place % 11 == 10 { ". " } else { " " });
        }
    }

    pub fn question(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        for _ in 0..4 {
            let mut word = String::new();
            self.write_word(&mut word);
            words.push(word);
        }
        words
    }

    fn write_word(&mut self, text: &mut String) {
        let spread = self.dice.below(16);
        text.push_str(HEADS[self.dice.below(spread + 1) as usize]);
        text.push_str(MIDDLES[self.dice.below(spread / 2 + 1) as usize]);
        text.push_str(TAILS[self.dice.below(8) as usize]);
    }
}

trait Upper {
    fn begin_upper(&mut self);
}

impl Upper for str {
    fn begin_upper(&mut self) {
        if let Some(first) = self.get_mut(..1) {
            first.make_ascii_uppercase();
        }
    }
}
