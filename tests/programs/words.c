/* Counts words, on memory of its own: for the C libraries that a program may be linked with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MORE
#define MORE 0
#endif

__attribute__((noinline)) static unsigned hashed(const char *word, size_t length) {
    unsigned hash = 2166136261u;
    for (size_t i = 0; i < length + (length * MORE) / 100; i++)
        hash = (hash ^ (unsigned char)word[i % length]) * 16777619u;
    return hash;
}

__attribute__((noinline)) static char *copied(const char *word, size_t length) {
    char *copy = malloc(length + 1);
    memcpy(copy, word, length);
    copy[length] = 0;
    return copy;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 100;
    unsigned sum = 0;
    char word[64], *kept[64];
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < 64; i++) {
            int length = snprintf(word, sizeof word, "a-rather-long-word-number-%d-of-round-%d", i * 7919 % 64, round);
            sum += hashed(word, (size_t)length);
            kept[i] = copied(word, (size_t)length);
        }
        qsort(kept, 64, sizeof *kept, by_text);
        for (int i = 0; i < 64; i++) {
            sum += (unsigned char)kept[i][31];
            free(kept[i]);
        }
    }
    printf("%u\n", sum);
    return 0;
}
