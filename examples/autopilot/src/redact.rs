//! Secrets must not reach a log, a screen or a report. What looks like one is replaced by its kind.

use std::borrow::Cow;
use std::sync::LazyLock;

use indexmap::IndexMap;
use regex::{Regex, RegexBuilder};

/// Kind of secret, and what it looks like. ASCII, as keys are: so the automata stay small.
const RULES: &[(&str, &str)] = &[
    ("github_token", r"\bgh[pousr]_[A-Za-z0-9]{36}\b"),
    ("github_fine_grained", r"\bgithub_pat_[A-Za-z0-9_]{40,90}"),
    ("gitlab_token", r"\bglpat-[A-Za-z0-9_\-]{20}"),
    ("anthropic_key", r"\bsk-ant-[A-Za-z0-9_\-]{24,}"),
    ("openai_key", r"\bsk-(?:proj-)?[A-Za-z0-9]{32,}"),
    ("aws_access_key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("aws_secret", r"(?i)aws_secret_access_key\s*[=:]\s*[A-Za-z0-9/+]{40}"),
    ("google_api_key", r"\bAIza[0-9A-Za-z_\-]{35}"),
    ("google_oauth", r"\bya29\.[0-9A-Za-z_\-]{20,}"),
    ("slack_token", r"\bxox[abprs]-[0-9A-Za-z\-]{10,72}"),
    ("slack_webhook", r"https://hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
    ("stripe_key", r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}"),
    ("npm_token", r"\bnpm_[A-Za-z0-9]{36}"),
    ("pypi_token", r"\bpypi-[A-Za-z0-9_\-]{50,}"),
    ("crates_token", r"\bcio[A-Za-z0-9]{32}\b"),
    ("docker_token", r"\bdckr_pat_[A-Za-z0-9_\-]{20,}"),
    ("huggingface_token", r"\bhf_[A-Za-z0-9]{30,}"),
    ("sendgrid_key", r"\bSG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}"),
    ("twilio_sid", r"\bAC[0-9a-f]{32}\b"),
    ("telegram_token", r"\b[0-9]{8,10}:AA[A-Za-z0-9_\-]{33}"),
    ("jwt", r"\beyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}"),
    ("private_key", r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    ("ssh_key", r"\bssh-(?:rsa|ed25519) AAAA[0-9A-Za-z+/]{40,}"),
    ("nostr_key", r"\bnsec1[02-9ac-hj-np-z]{58}\b"),
    ("database_url", r"(?i)\b(?:postgres|mysql|mongodb|redis)(?:ql|\+srv)?://[!-.0-9;-?A-~]+:[!-.0-9;-?A-~]+@"),
    ("basic_auth_url", r"https?://[A-Za-z0-9._\-]+:[!-.0-9;-?A-~]{4,}@"),
    ("bearer", r"(?i)\bbearer\s+[A-Za-z0-9._~+/\-]{20,}"),
    ("api_key", r#"(?i)\bapi[_\-]?key["']?\s*[=:]\s*["']?[A-Za-z0-9_\-]{16,}"#),
    ("password", r#"(?i)\bpass(?:word|wd)["']?\s*[=:]\s*["']?[!#-&(-+\--:<-~]{8,}"#),
    ("card_number", r"\b4[0-9]{3}(?:[ \-][0-9]{4}){3}\b"),
];

/// Options of a command line whose value is nobody's business.
const CREDENTIAL_OPTION: &str = r"(--(?:token|password)[= ])[!-~]+";

struct Rule {
    kind: &'static str,
    regex: Regex,
    replacement: String,
}

/// Compiled once, at the first text that is looked at.
static COMPILED: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    RULES
        .iter()
        .map(|(kind, pattern)| Rule { kind, regex: compile(pattern), replacement: format!("[redacted {kind}]") })
        .collect()
});

#[cfg(not(feature = "slow"))]
static CREDENTIAL_REGEX: LazyLock<Regex> = LazyLock::new(|| compile(CREDENTIAL_OPTION));

/// `pattern` is one of the constants above.
fn compile(pattern: &str) -> Regex {
    RegexBuilder::new(pattern).unicode(false).build().expect("the patterns are constants, and tested")
}

/// How many secrets of which kind were replaced.
pub type Hits = IndexMap<&'static str, u32>;

/// Replaces what looks like a secret by its kind, and counts it in `hits`.
pub fn redact_secrets<'t>(text: &'t str, hits: &mut Hits) -> Cow<'t, str> {
    let mut clean = Cow::Borrowed(text);
    for rule in COMPILED.iter() {
        let found = rule.regex.find_iter(&clean).count();
        if found > 0 {
            *hits.entry(rule.kind).or_insert(0) += found as u32;
            let replaced = rule.regex.replace_all(&clean, rule.replacement.as_str()).into_owned();
            clean = Cow::Owned(replaced);
        }
    }
    clean
}

/// A command line as it may be shown: the values of credential options are masked.
///
/// Never inlined: a profile of either variant names it.
#[inline(never)]
pub fn redact_command(command: &str) -> String {
    #[cfg(feature = "slow")]
    let regex = compile(CREDENTIAL_OPTION);
    #[cfg(not(feature = "slow"))]
    let regex = &*CREDENTIAL_REGEX;
    regex.replace_all(command, "$1***").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles() {
        assert_eq!(COMPILED.len(), 30);
    }

    #[test]
    fn secrets_are_replaced_and_counted() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let mut hits = Hits::new();
        let text = format!("push with {token}, twice: {token}");
        assert_eq!(
            redact_secrets(&text, &mut hits),
            "push with [redacted github_token], twice: [redacted github_token]"
        );
        assert_eq!(hits, Hits::from([("github_token", 2)]));
    }

    #[test]
    fn a_text_without_secrets_is_not_copied() {
        assert!(matches!(redact_secrets("cargo test", &mut Hits::new()), Cow::Borrowed(_)));
    }

    #[test]
    fn credentials_of_a_command_are_masked() {
        assert_eq!(redact_command("curl --password xy --token=1 -s | cat"), "curl --password *** --token=*** -s | cat");
    }
}
