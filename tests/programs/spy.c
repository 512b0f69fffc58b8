/* A program that looks for what it should not have, and tells: spy who | tries PATH... | assault | plant PATH. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void who(void) {
    uid_t r, e, s;
    gid_t rg, eg, sg;
    struct rlimit core;
    char line[256];
    getresuid(&r, &e, &s);
    getresgid(&rg, &eg, &sg);
    getrlimit(RLIMIT_CORE, &core);
    printf("uids %u %u %u\ngids %u %u %u\ngroups %d\n", r, e, s, rg, eg, sg, getgroups(0, NULL));
    FILE *status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, status))
        if (!strncmp(line, "Cap", 3) || !strncmp(line, "NoNewPrivs", 10)) fputs(line, stdout);
    fclose(status);
    mode_t mask = umask(0);
    printf("umask %o\ncore %lu\nback to root %s\n", mask, (unsigned long)core.rlim_max, setuid(0) ? "refused" : "done");
    printf("files");
    for (int fd = 0; fd < 4096; fd++)
        if (fcntl(fd, F_GETFD) != -1) printf(" %d", fd);
    printf("\n");
    for (char **name = environ; *name; name++) printf("env %.*s\n", (int)strcspn(*name, "="), *name);
}

/* What can be done to a path: r(ead), l(isted), w(ritten), c(reated in), m(ode changed). */
static void try(const char *path) {
    char done[16] = "", inner[4200];
    DIR *folder;
    int fd;
    if ((fd = open(path, O_RDONLY | O_NONBLOCK)) >= 0) { char c; if (read(fd, &c, 1) >= 0) strcat(done, "r"); close(fd); }
    if ((folder = opendir(path))) { strcat(done, "l"); closedir(folder); }
    if ((fd = open(path, O_WRONLY | O_NONBLOCK)) >= 0) { strcat(done, "w"); close(fd); }
    snprintf(inner, sizeof inner, "%s/spy-was-here", path);
    if ((fd = open(inner, O_WRONLY | O_CREAT, 0600)) >= 0) { strcat(done, "c"); close(fd); unlink(inner); }
    struct stat status;
    if (!stat(path, &status) && !chmod(path, status.st_mode)) strcat(done, "m");
    printf("%s %s\n", *done ? done : "-", path);
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    if (!strcmp(mode, "who")) {
        who();
    } else if (!strcmp(mode, "tries")) {
        for (int i = 2; i < count; i++) try(words[i]);
        try("/proc/1/environ");
        char path[64];
        for (const char **name = (const char *[]){"environ", "mem", "fd", "cwd", NULL}; *name; name++) {
            snprintf(path, sizeof path, "/proc/%d/%s", getppid(), *name);
            try(path);
        }
    } else if (!strcmp(mode, "assault")) { /* its parent first, then everything it can see */
        printf("ptrace %s\n", ptrace(PTRACE_ATTACH, getppid(), 0, 0) ? strerror(errno) : "done");
        printf("kill %s\n", kill(getppid(), SIGKILL) ? strerror(errno) : "done");
        printf("kill all %s\n", kill(-1, SIGSTOP) ? strerror(errno) : "done");
    } else if (!strcmp(mode, "plant")) { /* words[2]: what must survive; left behind in all ways */
        mkdir("shut", 0700);
        symlink(words[2], "shut/link");
        symlink(words[2], "link");
        chmod("shut", 0);
        mkfifo("pipe", 0);
        for (int depth = 0; depth < 3000; depth++) { if (mkdir("deep", 0700) || chdir("deep")) break; }
        symlink(words[2], "link");
    } else {
        return 64;
    }
    return 0;
}
