/* A daemon and its driver: server serve [MODE], server drive REQUESTS [WORK].

   serve works, forks a worker that answers on ./socket, says "listening" and waits to be told to stop; then it works again.

   MODE  early       ends before it is ready           deaf     does not stop at SIGTERM
         silent      never says that it is ready       leave    leaves its worker behind
         crash       dies of the first request         five     ends with exit code 5
         background  leaves its child in its place     signal   ends by the signal itself
         spawn       forks another process for every request */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MORE
#define MORE 0
#endif
#ifndef BEFORE
#define BEFORE 20000000
#endif
#ifndef AFTER
#define AFTER 20000000
#endif

#define WORK(name) \
    __attribute__((noinline)) unsigned long name(unsigned long n) { \
        unsigned long sum = __LINE__; \
        for (unsigned long i = 0; i < n; i++) sum = sum * 31 + i; \
        return sum; \
    }

WORK(before_the_window)
WORK(after_the_window)
WORK(answer)
WORK(ask)

static volatile unsigned long sink;
static volatile sig_atomic_t told;

static void tell(int number) { told = number; }

static int on_socket(int (*with)(int, const struct sockaddr *, socklen_t)) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int made = socket(AF_UNIX, SOCK_STREAM, 0);
    if (with(made, (struct sockaddr *)&address, sizeof address)) {
        perror("socket");
        exit(4);
    }
    return made;
}

static void serve(int listening, const char *mode) {
    for (;;) {
        int asked = accept(listening, NULL, NULL);
        unsigned long n;
        while (read(asked, &n, sizeof n) == sizeof n) {
            if (!strcmp(mode, "crash")) kill(getppid(), SIGSEGV), pause();
            if (!strcmp(mode, "spawn")) {
                if (fork() == 0) {
                    n = answer(n + n / 100 * MORE);
                    if (write(asked, &n, sizeof n) < 0) perror("write");
                    _exit(0);
                }
                wait(NULL);
                continue;
            }
            n = answer(n + n / 100 * MORE);
            if (write(asked, &n, sizeof n) < 0) perror("write");
        }
        close(asked);
    }
}

static int drive(int requests, unsigned long work) {
    int asking = on_socket(connect);
    for (int i = 0; i < requests; i++) {
        unsigned long n = work;
        sink += ask(work / 10 + i % 2);
        if (write(asking, &n, sizeof n) < 0 || read(asking, &n, sizeof n) != sizeof n) {
            fprintf(stderr, "no answer\n");
            return 3;
        }
    }
    printf("%d answers\n", requests);
    return 0;
}

int main(int count, char **words) {
    const char *mode = count > 2 ? words[2] : "";
    if (count < 2) return 2;
    if (!strcmp(words[1], "drive")) return drive(atoi(words[2]), count > 3 ? strtoul(words[3], NULL, 10) : 1000000);
    if (!strcmp(words[1], "hang")) return pause();
    sink = before_the_window(BEFORE);
    if (!strcmp(mode, "early")) {
        fprintf(stderr, "cannot find its settings\n");
        return 3;
    }
    if (!strcmp(mode, "background")) return fork() ? 0 : pause();
    signal(SIGTERM, !strcmp(mode, "deaf") ? SIG_IGN : !strcmp(mode, "signal") ? SIG_DFL : tell);
    int listening = on_socket(bind);
    listen(listening, 9);
    pid_t worker = fork();
    if (worker == 0) {
        signal(SIGTERM, SIG_DFL);
        serve(listening, mode);
    }
    fprintf(stderr, "begun\n");
    if (strcmp(mode, "silent")) printf("worker has begun\nlistening on socket\n"), fflush(stdout);
    while (!told) usleep(10000);
    if (strcmp(mode, "leave")) kill(worker, SIGTERM), waitpid(worker, NULL, 0);
    sink = after_the_window(AFTER);
    return !strcmp(mode, "five") ? 5 : 0;
}
