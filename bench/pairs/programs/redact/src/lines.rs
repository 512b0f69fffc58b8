// Log lines as a service writes them: levels, codes, users, messages with escapes, secrets and letters beyond ASCII.
use kit::Dice;

const WORDS: [&str; 24] = [
    "request", "served", "in", "after", "retry", "token", "user", "session", "opened", "closed", "with", "status", "warning",
    "cache", "miss", "für", "größe", "naïve", "日本", "queue", "drained", "worker", "slept", "timeout",
];
const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

pub struct Generator {
    dice: Dice,
    clock: u64,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        Generator { dice: Dice::new(seed), clock: 1_700_000_000 }
    }

    #[inline(never)]
    pub fn write_line(&mut self, line: &mut String) {
        self.clock += self.dice.below(90);
        line.push_str("{\"time\": ");
        push_number(line, self.clock);
        line.push_str(", \"level\": ");
        push_number(line, self.dice.below(5));
        line.push_str(", \"code\": ");
        push_number(line, 200 + self.dice.below(330));
        line.push_str(", \"user\": \"");
        self.push_letters(line, "u-", 8);
        line.push_str("\", \"msg\": \"");
        let count = 6 + self.dice.below(14);
        for _ in 0..count {
            match self.dice.below(40) {
                0 => self.push_letters(line, "ghp_", 36),
                1 => self.push_letters(line, "sk-", 24),
                2 => line.push_str("connection reset by peer"),
                3 => line.push_str("\\n\\t\\\"quoted\\\""),
                4 => line.push_str("\\u00e9t\\u00e9"),
                _ => line.push_str(WORDS[self.dice.below(24) as usize]),
            }
            line.push(' ');
        }
        line.push_str("\"}");
    }

    fn push_letters(&mut self, line: &mut String, prefix: &str, count: usize) {
        line.push_str(prefix);
        for _ in 0..count {
            line.push(LETTERS[self.dice.below(36) as usize] as char);
        }
    }
}

fn push_number(line: &mut String, mut number: u64) {
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
        line.push(digit as char);
    }
}
