//! Cutting texts to a size that fits a line or a log, never inside a character.

/// The first `limit` bytes of `text`, fewer where that would split a character.
pub fn head(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// `text` on one line of at most `width` characters.
pub fn one_line(text: &str, width: usize) -> String {
    let mut line = String::with_capacity(width + 3);
    for (count, letter) in text.chars().enumerate() {
        if count == width {
            line.push_str("...");
            break;
        }
        line.push(if letter.is_control() { ' ' } else { letter });
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_never_splits_a_character() {
        assert_eq!(head("aé→", 2), "a");
        assert_eq!(head("aé→", 3), "aé");
        assert_eq!(head("aé→", 60), "aé→");
    }

    #[test]
    fn one_line_counts_characters() {
        assert_eq!(one_line("é→\nx", 3), "é→ ...");
    }
}
