/* What programs under measurement do, good and bad: acts MODE [NUMBER]. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORK(name) \
    __attribute__((noinline)) unsigned long name(unsigned long n) { \
        unsigned long sum = __LINE__; \
        for (unsigned long i = 0; i < n; i++) sum = sum * 31 + i; \
        return sum; \
    }
WORK(first) WORK(second) WORK(third) WORK(fourth)

static volatile unsigned long sink;

static void *in_thread(void *n) {
    prctl(PR_SET_NAME, "not-its-name");
    sink += third((unsigned long)n);
    return NULL;
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    unsigned long n = count > 2 ? strtoul(words[2], NULL, 10) : 0;
    if (!strcmp(mode, "work")) {
        sink = first(n) + second(n) + third(n) + fourth(n);
        printf("%lu\n", sink);
    } else if (!strcmp(mode, "threads")) {
        pthread_t threads[2];
        for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, in_thread, (void *)n);
        for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    } else if (!strcmp(mode, "forks")) { /* a fork that works, itself again, and a helper */
        if (fork() == 0) { sink = second(n); _exit(0); }
        if (fork() == 0) { execl(words[0], words[0], "work", words[2], NULL); _exit(126); }
        if (fork() == 0) { execl("/bin/sh", "sh", "-c", "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done", NULL); _exit(126); }
        while (wait(NULL) > 0) {}
    } else if (!strcmp(mode, "crash")) {
        fprintf(stderr, "about to crash\n");
        raise(SIGSEGV);
    } else if (!strcmp(mode, "hang")) {
        fprintf(stderr, "waiting for godot\n");
        if (fork() == 0) { setsid(); pause(); }
        pause();
    } else if (!strcmp(mode, "exit")) {
        fprintf(stderr, "cannot open the thing\n");
        return (int)n;
    } else if (!strcmp(mode, "flood")) {
        static char zeros[1 << 16];
        for (unsigned long left = n; left > 0;) {
            size_t size = left < sizeof zeros ? left : sizeof zeros;
            fwrite(zeros, 1, size, stdout);
            left -= size;
        }
    } else if (!strcmp(mode, "daemon")) { /* two that outlive it, one of them in a session of its own */
        if (fork() == 0) { pause(); }
        if (fork() == 0) { setsid(); pause(); }
    } else if (!strcmp(mode, "state")) { /* fails where an earlier start left something behind */
        char path[4096];
        snprintf(path, sizeof path, "%s/left", getenv("HOME"));
        if (!access(path, F_OK) || !access("left", F_OK)) return 9;
        fclose(fopen(path, "w"));
        fclose(fopen("left", "w"));
    } else if (!strcmp(mode, "pid")) {
        printf("%d\n", getpid());
    } else if (!strcmp(mode, "name")) {
        printf("%s\n", words[0]);
    } else {
        return 64;
    }
    return 0;
}
