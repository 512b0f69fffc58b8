/* Programs that no test should be hurt by: vandal MODE [NUMBER]. With -DOLD it is the baseline's, which lacks what is new;
   with -DTHRICE its work takes three times as long. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a terminal, a log of GitHub or a comment would obey. */
#define GARBAGE "bytes \xff\xfe\x80 end\n::error::owned\n##[error]owned\n\x1b[31mred\x1b[0m \x1b]0;title\x07\rover\n"

static volatile unsigned long sink;

__attribute__((noinline)) void busy(unsigned long n) {
#ifdef THRICE
    n *= 3;
#endif
    for (unsigned long i = 0; i < n; i++) sink = sink * 31 + i;
}

static void hydra(void) { /* every head leaves another one */
    for (;;) {
        if (fork() != 0) _exit(0);
    }
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    unsigned long n = count > 2 ? strtoul(words[2], NULL, 10) : 0;
    if (!strcmp(mode, "busy")) {
        busy(n);
#ifdef OLD
    } else if (!strcmp(mode, "garbage-before")) {
        fprintf(stderr, GARBAGE);
        return 1;
    } else if (!strcmp(mode, "newer")) {
        fprintf(stderr, "unknown mode newer\n");
        return 2;
#else
    } else if (!strcmp(mode, "newer") || !strcmp(mode, "garbage-before")) {
        busy(n);
#endif
    } else if (!strcmp(mode, "garbage")) {
        fprintf(stderr, GARBAGE);
        return 1;
    } else if (!strcmp(mode, "stdin")) {
        char byte;
        int got = 0;
        while (read(0, &byte, 1) == 1) got++;
        return got == (int)n ? 0 : 5;
    } else if (!strcmp(mode, "says")) {
#ifdef OLD
        printf("old\n");
#else
        printf("new\n");
#endif
        busy(n);
    } else if (!strcmp(mode, "wait")) { /* deaf, and so is its child */
        signal(SIGINT, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
        if (fork() == 0) setsid();
        for (;;) pause();
    } else if (!strcmp(mode, "turn")) { /* turn N FOLDER: takes a quarter of a second; the Nth start says so and stays */
        char path[4096];
        struct stat starts;
        snprintf(path, sizeof path, "%s/starts", words[3]);
        FILE *file = fopen(path, "a");
        fputc('.', file);
        fclose(file);
        stat(path, &starts);
        if ((unsigned long)starts.st_size >= n) {
            if (fork() == 0) setsid();
            snprintf(path, sizeof path, "%s/waiting", words[3]);
            fclose(fopen(path, "a"));
            for (;;) pause();
        }
        busy(5000000);
        usleep(220000);
    } else if (!strcmp(mode, "hydra")) {
        if (fork() == 0) hydra();
    } else if (!strcmp(mode, "patricide")) { /* kills who started it, and stays */
        if (fork() == 0) {
            setsid();
            for (;;) pause();
        }
        kill(getppid(), SIGKILL);
        for (;;) pause();
    } else if (!strcmp(mode, "stop")) {
        raise(SIGSTOP);
    } else if (!strcmp(mode, "locked")) { /* leaves folders that forbid their own removal */
        mkdir("shut", 0700);
        close(open("shut/file", O_CREAT | O_WRONLY, 0400));
        chmod("shut", 0);
        chmod(".", 0500);
    } else if (!strcmp(mode, "reads")) {
        return access(count > 2 ? words[2] : "", R_OK) ? 6 : 0;
    } else {
        return 64;
    }
    return 0;
}
