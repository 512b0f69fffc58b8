/* What programs do with their heap: heap MODE [NUMBER]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *volatile kept;

static inline __attribute__((always_inline)) void drop(size_t size) {
    char *volatile piece = malloc(size);
    piece[0] = 1;
    free(piece);
}

/* More than a page of heaptrack's: each kept until all are made. */
__attribute__((noinline)) void hold(int n) {
    void **pieces = calloc(n, sizeof *pieces);
    for (int i = 0; i < n; i++) pieces[i] = malloc(100);
    for (int i = 0; i < n; i++) free(pieces[i]);
    free(pieces);
}

__attribute__((noinline)) void throw_away(int n) {
    for (int i = 0; i < n; i++) drop(50);
}

__attribute__((noinline)) void lose(int n) {
    for (int i = 0; i < n; i++) {
        kept = malloc(64);
        memset(kept, 1, 64);
    }
    kept = NULL;
}

static int is_watched(void) {
    char line[4096];
    FILE *maps = fopen("/proc/self/maps", "r");
    int found = 0;
    while (fgets(line, sizeof line, maps)) found |= strstr(line, "heaptrack") != NULL;
    fclose(maps);
    return found;
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    int n = count > 2 ? atoi(words[2]) : 100;
    hold(n);
    throw_away(2 * n);
    lose(n / 10);
    if (!strcmp(mode, "cut-off")) _exit(0);
    if (!strcmp(mode, "shy") && is_watched()) abort();
    if (!strcmp(mode, "fails")) return 3;
    return 0;
}
