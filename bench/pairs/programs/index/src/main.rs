// Indexes made-up documents and answers made-up questions: tokens, stems, postings, intersections, ranking, spelling.
mod bloom;
mod documents;
mod postings;
mod query;
mod rank;
mod spelling;
mod stem;
mod tokens;

use postings::Index;

#[inline(never)]
fn run(size: usize) -> u64 {
    let mut source = documents::Source::new(11);
    let mut text = String::new();
    let mut sum = 0;
    let mut seen = bloom::Filter::new();
    for _ in 0..size {
        let mut index = Index::default();
        for number in 0..32 {
            text.clear();
            source.write_document(&mut text);
            add(&mut index, &mut seen, number, &text);
        }
        for _ in 0..16 {
            let words = source.question();
            let found = query::answer(&index, &words);
            let best = rank::best(&index, &words, &found);
            sum = best.iter().fold(sum, |sum, &(score, document)| kit::stir(sum, (u64::from(score) << 32) | u64::from(document)));
            sum = kit::stir(sum, u64::from(spelling::nearest(&words[0], &words[1..])));
        }
        sum = kit::stir(sum, index.bytes() as u64 ^ seen.ones());
    }
    sum
}

fn add(index: &mut Index, seen: &mut bloom::Filter, number: u32, text: &str) {
    let mut position = 0;
    for token in tokens::Tokens::new(text.as_bytes()) {
        let word = tokens::lowered(token);
        let stem = stem::stem(&word);
        seen.add(stem);
        index.add(stem, number, position);
        position += 1;
    }
}

fn check() -> u64 {
    let mut index = Index::default();
    let mut seen = bloom::Filter::new();
    add(&mut index, &mut seen, 0, "One text, tested once.");
    index.bytes() as u64
}

fn main() {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let size = words.next().and_then(|word| word.parse().ok()).unwrap_or(1);
    let answer = match command.as_str() {
        "run" => run(size),
        "check" => check(),
        //@ commands
        _ => 0,
    };
    println!("{answer:016x}");
}
