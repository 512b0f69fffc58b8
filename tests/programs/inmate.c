/* A measured program that looks for a way out: inmate search ROOT TOKEN PORT, inmate bomb|killall|work|nap.

   TOKEN has every letter moved by one, so that it is not found in our own command line. Everything found is one line on standard
   error; the exit code is 7 if there was anything. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char token[256];
static char mine[PATH_MAX]; /* the folder of this start: work, home, scratch */
static int findings;

static void found(const char *format, ...) {
    va_list rest;
    va_start(rest, format);
    vfprintf(stderr, format, rest);
    va_end(rest);
    fputc('\n', stderr);
    findings++;
}

static int holds_token(const char *text, size_t length) { return memmem(text, length, token, strlen(token)) != NULL; }

static int is_mine(const char *path) { return *mine && !strncmp(path, mine, strlen(mine)); }

static void search_file(const char *path) {
    static char buffer[(1 << 20) + 256];
    size_t kept = 0;
    ssize_t got;
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (file < 0) return;
    for (off_t total = 0; total < (64 << 20) && (got = read(file, buffer + kept, 1 << 20)) > 0; total += got) {
        if (holds_token(buffer, kept + got)) { found("token in %s", path); break; }
        size_t all = kept + got;
        kept = all < 255 ? all : 255;
        memmove(buffer, buffer + all - kept, kept);
    }
    close(file);
}

static const char *harmless_devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx",
                                         "/dev/pts/ptmx", NULL};

static int is_harmless(const char *path) {
    for (const char **name = harmless_devices; *name; name++)
        if (!strcmp(*name, path)) return 1;
    return 0;
}

static int visit(const char *path, const struct stat *about, int kind, struct FTW *where) {
    (void)where;
    char probe[PATH_MAX + 16];
    if (!strncmp(path, "/sys/", 5) || !strncmp(path, "/proc/", 6)) return FTW_SKIP_SIBLINGS;
    if (holds_token(path, strlen(path))) found("token in the name %s", path);
    if (kind == FTW_D || kind == FTW_DNR) {
        snprintf(probe, sizeof probe, "%s/probe", path);
        int file = open(probe, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (file >= 0) {
            close(file);
            unlink(probe);
            if (!is_mine(path)) found("may write into %s", path);
        }
        if (!is_mine(path) && chmod(path, about->st_mode & 07777) == 0) found("may change the mode of %s", path);
    } else if (kind == FTW_F && S_ISREG(about->st_mode)) {
        search_file(path);
        int file = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOFOLLOW);
        if (file >= 0) close(file);
        if (file >= 0 && !is_mine(path)) found("may write to %s", path);
    } else if (kind == FTW_F && !is_harmless(path) && !is_mine(path)) {
        int file = open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
        if (file >= 0) { close(file); found("may write to the device %s", path); }
    }
    return FTW_CONTINUE;
}

/* By a child that is gone at once: whoever is traced is reaped by nobody else, and PTRACE_ATTACH would stop it. */
static int may_trace(long pid) {
    int status = 1;
    pid_t child = fork();
    if (child == 0) _exit(ptrace(PTRACE_SEIZE, pid, 0, 0) == 0 ? 0 : 1);
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void search_processes(void) {
    DIR *processes = opendir("/proc");
    const char *secrets[] = {"environ", "cmdline", "maps", "mem", "cwd/plan.json", "fd/1", "root/etc/shadow"};
    for (struct dirent *entry; processes && (entry = readdir(processes));) {
        long pid = atol(entry->d_name);
        if (pid <= 0 || pid == getpid()) continue;
        char path[300];
        for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
            snprintf(path, sizeof path, "/proc/%ld/%s", pid, secrets[i]);
            if (i != 1) {
                int file = open(path, O_RDONLY | O_NONBLOCK);
                if (file >= 0) { close(file); found("may read %s", path); }
            }
            search_file(path);
        }
        if (kill(pid, 0) == 0) found("may signal process %ld", pid);
        if (may_trace(pid)) found("may trace process %ld", pid);
    }
    if (processes) closedir(processes);
}

static void search_environment(void) {
    const char *known[] = {"PATH", "LANG", "TZ", "HOME", "TMPDIR", "AUTOPROF_PADDING", NULL};
    for (char **variable = environ; *variable; variable++) {
        size_t length = strcspn(*variable, "=");
        const char **name = known;
        while (*name && !(strlen(*name) == length && !strncmp(*name, *variable, length))) name++;
        if (!*name) found("variable %.*s", (int)length, *variable);
        if (holds_token(*variable, strlen(*variable))) found("token in the environment");
    }
}

static void search_network(int port) {
    struct ifaddrs *addresses;
    if (getifaddrs(&addresses) == 0) {
        for (struct ifaddrs *one = addresses; one; one = one->ifa_next)
            if (strcmp(one->ifa_name, "lo")) found("interface %s", one->ifa_name);
        freeifaddrs(addresses);
    }
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int internet = socket(AF_INET, SOCK_STREAM, 0);
    if (internet >= 0 && connect(internet, (struct sockaddr *)&server, sizeof server) == 0) found("may connect to port %d", port);
    server.sin_addr.s_addr = inet_addr("1.1.1.1");
    server.sin_port = htons(53);
    int outside = socket(AF_INET, SOCK_DGRAM, 0);
    if (outside >= 0 && connect(outside, (struct sockaddr *)&server, sizeof server) == 0) found("has a route out");
    struct addrinfo *names;
    if (getaddrinfo("example.com", "80", NULL, &names) == 0) found("names are resolved");
    const char *sockets[] = {"/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock"};
    for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++) {
        struct sockaddr_un engine = {.sun_family = AF_UNIX};
        strcpy(engine.sun_path, sockets[i]);
        int local = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(local, (struct sockaddr *)&engine, sizeof engine) == 0) found("may talk to %s", sockets[i]);
        else if (errno == EACCES && access(sockets[i], F_OK) == 0) found("sees %s", sockets[i]);
        close(local);
    }
}

static void search_rights(void) {
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) {
        line[strcspn(line, "\n")] = 0;
        if (!strncmp(line, "Cap", 3) && strtoull(strchr(line, '\t'), NULL, 16)) found("capabilities: %s", line);
        if (!strncmp(line, "Uid", 3) && strcmp(line, "Uid:\t65534\t65534\t65534\t65534")) found("user: %s", line);
        if (!strncmp(line, "Gid", 3) && strcmp(line, "Gid:\t65534\t65534\t65534\t65534")) found("group: %s", line);
        if (!strncmp(line, "Groups", 6) && strspn(line + 7, " \t65534") != strlen(line + 7)) found("groups: %s", line);
        if (!strncmp(line, "NoNewPrivs", 10) && !strstr(line, "1")) found("may gain rights");
    }
    if (status) fclose(status);
    if (setuid(0) == 0) found("may become root");
    for (int descriptor = 3; descriptor < 1024; descriptor++)
        if (fcntl(descriptor, F_GETFD) != -1) found("descriptor %d is open", descriptor);
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    if (!strcmp(mode, "search")) {
        for (size_t i = 0; words[3][i] && i < sizeof token - 1; i++) token[i] = words[3][i] - 1;
        const char *scratch = getenv("TMPDIR");
        if (scratch) snprintf(mine, sizeof mine, "%.*s", (int)(strrchr(scratch, '/') - scratch), scratch);
        search_rights();
        search_environment();
        search_network(atoi(words[4]));
        search_processes();
        nftw(words[2], visit, 32, FTW_PHYS | FTW_ACTIONRETVAL);
        return findings ? 7 : 0;
    }
    if (!strcmp(mode, "work")) return 0;
    if (!strcmp(mode, "nap")) {
        sleep(60);
        return 0;
    }
    if (getuid() == 0) return 9; /* what follows is for nobody to do */
    if (!strcmp(mode, "bomb")) /* every process makes two more */
        for (;;) fork();
    if (!strcmp(mode, "killall")) {
        kill(-1, SIGKILL);
        return 0;
    }
    return 9;
}
