/* A measured program that leaves something behind: stayer chain|hog|tmp|objects.

   chain    a process that is a new one all the time, so that whoever kills by number comes too late
   hog      all the memory it can get
   tmp      a file that everybody may see
   objects  shared memory, a queue and semaphores of System V, which outlive whoever made them; built with -DFRESH it fails
            where there are any */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#ifndef FRESH
#define FRESH 0
#endif

static int is_empty(const char *table) {
    char line[512];
    int lines = 0;
    FILE *file = fopen(table, "r");
    while (file && fgets(line, sizeof line, file)) lines++;
    if (file) fclose(file);
    return lines <= 1;
}

static void count_up(unsigned long n) {
    volatile unsigned long sum = 0;
    for (unsigned long i = 0; i < n; i++) sum += i;
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    count_up(1000000);
    if (!strcmp(mode, "chain")) {
        if (fork() == 0) {
            setsid();
            for (int descriptor = 0; descriptor < 3; descriptor++) close(descriptor);
            for (;;)
                if (fork() > 0) _exit(0);
        }
    } else if (!strcmp(mode, "hog")) {
        for (size_t size = 1 << 20;;) {
            char *more = malloc(size);
            if (more) memset(more, 1, size);
        }
    } else if (!strcmp(mode, "tmp")) {
        if (!fopen("/tmp/state", "w")) {
            perror("/tmp/state");
            return 1;
        }
    } else if (!strcmp(mode, "objects")) {
        const char *tables[] = {"/proc/sysvipc/shm", "/proc/sysvipc/msg", "/proc/sysvipc/sem"};
        for (int i = 0; FRESH && i < 3; i++)
            if (!is_empty(tables[i])) {
                fprintf(stderr, "there is something in %s\n", tables[i]);
                return 9;
            }
        if (FRESH) return 0;
        if (shmget(IPC_PRIVATE, 1 << 20, 0600) < 0 || msgget(IPC_PRIVATE, 0600) < 0 || semget(IPC_PRIVATE, 3, 0600) < 0) return 8;
    }
    return 0;
}
