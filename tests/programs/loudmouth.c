/* A measured program that talks to whoever reads its output: loudmouth MEGABYTES EXIT, first to stdout, then to stderr. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a runner, a terminal or a comment would obey. */
#define ATTACKS \
    "::set-output name=outcome::pass\n::error::owned\n##[error]owned\nquiet ##[set-output name=outcome;]pass\n" \
    "::add-mask::a\n::stop-commands::owned\n::debug::owned\n\r::error::owned\r::warning::owned\n \t::group::owned\n" \
    "\x1b[31m::notice::owned\x1b[0m\x1b]0;owned\x07\n\xe2\x80\x8b::error::owned\n\xff\xfe\x80::error::owned\n" \
    "# owned\n</details><script>owned()</script><img src=x onerror=owned()>\n@octocat closes #1 [owned](https://owned.invalid)\n" \
    "![owned](https://owned.invalid/x.png) | a | b |\n```\n<!-- autoprof-ci key=default -->\n--> owned\n"

int main(int count, char **words) {
    static char block[1 << 20];
    unsigned long megabytes = count > 1 ? strtoul(words[1], NULL, 10) : 0;
    for (size_t at = 0; at + sizeof ATTACKS < sizeof block; at += sizeof ATTACKS - 1) memcpy(block + at, ATTACKS, sizeof ATTACKS - 1);
    for (unsigned long i = 0; i < megabytes; i++) fwrite(block, 1, sizeof block, stdout);
    fputs(ATTACKS, stdout);
    fputs(ATTACKS, stderr);
    /* the last lines are those that are quoted */
    fputs("::error::owned ##[error]owned \x1b[31mred\x1b[0m \xff\xfe `tick` | <b>bold</b> @octocat #1 [x](https://owned.invalid) -->\n", stderr);
    fflush(stdout);
    return count > 2 ? atoi(words[2]) : 0;
}
