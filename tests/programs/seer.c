/* A program that says what it was given, one number for each thing, so that two of them can be compared: seer DATA WORDS...

   The folder of this start has another name each time, and is not looked at; nor are users and the time of what was just made. */
#define _GNU_SOURCE
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static char mine[4096]; /* the folder of this start: work, home, scratch */
static char lane[4096]; /* what lies above it, with the programs */
static const char *data;
static unsigned long sum;
static char *lines[10000];
static int lines_count;

static void mix(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) sum = (sum ^ (unsigned char)text[i]) * 0x100000001b3ul;
}

/* Without what differs: the start's folder, and where the data lies. */
static void mix_text(const char *text) {
    const char *known[] = {mine, lane, data};
    while (*text) {
        size_t skip = 0;
        for (int i = 0; i < 3; i++)
            if (known[i] && *known[i] && !skip && !strncmp(text, known[i], strlen(known[i]))) skip = strlen(known[i]);
        mix(skip ? "@" : text, 1);
        text += skip ? skip : 1;
    }
    mix("\n", 1);
}

static void tell(const char *what) {
    fprintf(stderr, "%s %016lx, ", what, sum);
    sum = 0xcbf29ce484222325ul;
}

static int by_text(const void *one, const void *other) { return strcmp(*(char *const *)one, *(char *const *)other); }

static void flush_lines(void) {
    qsort(lines, lines_count, sizeof *lines, by_text);
    for (int i = 0; i < lines_count; i++)
        mix_text(lines[i]);
    lines_count = 0;
}

static void mix_content(const char *path) {
    char buffer[65536];
    FILE *file = fopen(path, "r");
    for (size_t got; file && (got = fread(buffer, 1, sizeof buffer, file)) > 0;) mix(buffer, got);
    if (file) fclose(file);
}

static int visit(const char *path, const struct stat *about, int kind, struct FTW *where) {
    char *line = NULL, link[4096] = "";
    int is_old = about->st_mtime < 1700000000;
    unsigned long before = sum;
    (void)where;
    if (kind == FTW_SL && readlink(path, link, sizeof link - 1) < 0) strcpy(link, "unreadable");
    sum = 1;
    if (kind == FTW_F) mix_content(path);
    if (asprintf(&line, "%s %o %ld %s %016lx", path, kind == FTW_SL ? 0 : about->st_mode, is_old && kind == FTW_F ? about->st_mtime : 0, link, sum) > 0)
        lines[lines_count++] = line;
    sum = before;
    return lines_count < 10000 ? 0 : 1;
}

int main(int count, char **words) {
    const char *scratch = getenv("TMPDIR");
    char here[4096];
    snprintf(mine, sizeof mine, "%.*s", scratch ? (int)(strrchr(scratch, '/') - scratch) : 0, scratch ? scratch : "");
    snprintf(lane, sizeof lane, "%.*s", *mine ? (int)(strstr(mine, "/starts/") - mine) : 0, mine);
    data = count > 1 ? words[1] : "";
    sum = 0xcbf29ce484222325ul;
    for (int i = 0; i < count; i++) mix_text(i ? words[i] : strrchr(words[0], '/'));
    tell("words");
    for (char **variable = environ; *variable; variable++)
        if (strncmp(*variable, "AUTOPROF_PADDING=", 17)) lines[lines_count++] = *variable;
    flush_lines();
    tell("environment");
    mix_text(getcwd(here, sizeof here));
    tell("cwd");
    for (int letter; (letter = getchar()) != EOF;) mix((char[]){(char)letter}, 1);
    tell("stdin");
    for (int i = 0; i < 3; i++) {
        snprintf(here, sizeof here, "%s/%s", mine, (const char *[]){"work", "home", "scratch"}[i]);
        nftw(here, visit, 32, FTW_PHYS);
    }
    flush_lines();
    tell("files");
    nftw(data, visit, 32, FTW_PHYS);
    flush_lines();
    tell("data");
    mode_t mask = umask(0);
    fprintf(stderr, "umask %o, helper %d\n", mask, system(words[2]) == 0);
    return 3;
}
