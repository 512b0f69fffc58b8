// Reads made-up log lines, takes secrets out of their messages and writes them again as JSON.
mod escape;
mod hash;
mod json;
mod lines;
mod redact;
mod report;
mod search;
mod utf8;

use report::Report;

const PHRASES: [&[u8]; 4] = [b"connection reset by peer", b"worker died", b"retry after", b"queue drained"];

#[inline(never)]
fn run(size: usize) -> u64 {
    let mut log = lines::Generator::new(7);
    let mut report = Report::default();
    let mut line = String::new();
    let mut out = String::new();
    for round in 0..size {
        let first = report.count;
        out.clear();
        for _ in 0..48 {
            line.clear();
            log.write_line(&mut line);
            handle(&line, &mut report, &mut out);
        }
        report.sum = kit::stir(report.sum, hash::digest(out.as_bytes()));
        report.finish_batch(first, round);
    }
    report.total()
}

fn handle(line: &str, report: &mut Report, out: &mut String) {
    let Some(entry) = json::parse(line) else {
        report.broken += 1;
        return;
    };
    let clean = redact::scrub(&entry.message);
    report.width += utf8::width(clean.as_bytes());
    report.note_words(&clean);
    for phrase in PHRASES {
        report.resets += u64::from(search::find(clean.as_bytes(), phrase).is_some());
    }
    report.note(entry.level, entry.code, hash::short(entry.user.as_bytes()));
    escape::quote(&clean, out);
    escape::quote(&entry.user, out);
    out.push('\n');
}

fn check() -> u64 {
    let sample = "{\"time\":1,\"level\":2,\"code\":3,\"user\":\"u\",\"msg\":\"a\\nb\"}";
    json::parse(sample).map_or(0, |entry| entry.message.len() as u64)
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
