// Plays the part of `autopilot run`: looks an agent up on PATH, gives it a prompt, works on every line it prints, answers what it asks.
//
//   caller [NAME]        the agent's name; claude without one
//   caller -f FILE       works on the same lines, out of a file: what it costs without any agent
//
// ROUNDS: how often it works on a line.

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef ROUNDS
#define ROUNDS 8
#endif

__attribute__((noinline)) static unsigned long work(const char *line, size_t length) {
    unsigned long sum = 1;
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < length; i++)
            sum = sum * 31 + (unsigned char)line[i];
    return sum;
}

static void answer(const char *line, FILE *agent) {
    const char *id = strstr(line, "\"request_id\":\"");
    if (!id || strncmp(line, "{\"type\":\"control_request\"", 24) != 0)
        return;
    id += strlen("\"request_id\":\"");
    int length = (int)strcspn(id, "\"");
    fprintf(agent, "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":\"%.*s\"}}\n", length, id);
    fflush(agent);
}

static pid_t start(const char *name, FILE **to, FILE **from) {
    int in[2], out[2];
    if (pipe(in) || pipe(out))
        exit(3);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int i = 0; i < 2; i++)
            close(in[i]), close(out[i]);
        execlp(name, name, "--output-format", "stream-json", "--input-format", "stream-json", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    *to = fdopen(in[1], "w");
    *from = fdopen(out[0], "r");
    return pid;
}

int main(int count, char **arguments) {
    FILE *to = NULL, *from = NULL;
    pid_t pid = 0;
    if (count > 2)
        from = fopen(arguments[2], "r"), to = fopen("/dev/null", "w");
    else
        pid = start(count > 1 ? arguments[1] : "claude", &to, &from);
    if (!to || !from)
        return 2;
    fputs("{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":\"go\"}}\n", to);
    fflush(to);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    unsigned long sum = 0, lines = 0;
    while ((length = getline(&line, &capacity, from)) > 0) {
        sum ^= work(line, (size_t)length);
        lines++;
        answer(line, to);
    }
    int status = 0;
    if (pid)
        waitpid(pid, &status, 0);
    printf("%lu lines, %lx\n", lines, sum);
    return status != 0;
}
