// The scripted agent: plays a recorded session in the place of `claude` or `codex`.
//
// The session is the file `session.jsonl` beside this program: what an agent printed, one JSON object a line. It is printed again,
// byte for byte, as fast as the other side reads; with the recorded delays where a file `recorded-delays` is there too. Some lines
// stop it for a moment:
//
//   {"type":"system","subtype":"init",…}        printed BEFORE standard input is read; then it waits for a prompt. (autopilot's reader
//   {"type":"thread.started",…}                 holds a lock, which its writer needs, until a first line comes.)
//   {"type":"result",…}, {"type":"turn.completed",…}    the turn ends; the next one, if there is one, waits for another prompt
//   {"type":"control_request","request_id":R,…}         it waits for the control_response to R
//   {"type":"control_response",…}               not printed: answers are made afresh, see below
//   {"type":"autoprof_delay","ms":N}            not printed: it waits so long, where delays are wanted
//
// On standard input it understands, at any time: a prompt, {"type":"user",…}; {"type":"control_request","request_id":R,…}, answered
// between two lines; {"type":"control_response","response":{"request_id":R,…}}. Everything else there is read and left alone.
// Nothing here waits for one side while the other has something to say, and nothing turns in a circle: it all hangs on one poll().
//
// Exit codes: 0 when all is said, or when nobody listens any more; 1 when there is no session to play.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    AHEAD = 1 << 16,              // of the script is looked through at once: what a pipe holds
    READ_SIZE = 1 << 16,
    LONGEST_LINE = 64 << 20,      // on standard input; what is longer is no line for us
    FIRST_SIGN_MS = 1000,         // of life, while we wait for the other side
    LAST_SIGN_MS = 8000,
};

// A line of life lets go of autopilot's lock, where its reader took it a second time before its writer asked for it.
static const char SIGN_OF_LIFE[] = "{\"type\":\"keep_alive\"}\n";
static const char ANSWER_BEGIN[] = "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":";
static const char ANSWER_END[] = ",\"response\":{}}}\n";

struct text {
    const char *at;
    size_t length;
};

struct buffer {
    char *at;
    size_t length, capacity;
};

// What a line says on its first two levels, as it stands there: strings with their quotes.
struct said {
    struct text type, subtype, request_id, answered_id, ms;
};

enum waiting { FOR_NOTHING, FOR_PROMPT, FOR_ANSWER, FOR_TIME };

static struct {
    const char *end, *next;       // of the script; what is to be printed next
    const char *stop;             // so far it may be printed
    enum waiting then, waiting;   // what to wait for at `stop`; what is waited for now
    struct text answer_id;        // of the request at `stop`
    bool opened, is_over, with_delays;
    long long until_ms;           // end of a delay, or the next sign of life
    int sign_ms;
    int turn, prompts;            // prompts: not yet answered to
} play;

static struct {
    struct buffer line;           // begun and not ended yet
    size_t searched;
    bool open, too_long;
} input = {.open = true};

static struct buffer answers;     // to be printed between two lines of the script
static size_t answers_sent;

static _Noreturn void fail(const char *what, const char *why) {
    const char *const words[] = {"autoprof-ci's scripted agent: ", what, ": ", why, "\n"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (write(STDERR_FILENO, words[i], strlen(words[i])) < 0)
            break;
    _exit(1);
}

static void append(struct buffer *buffer, const char *at, size_t length) {
    if (length == 0)
        return;
    if (buffer->length + length > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity : READ_SIZE;
        while (capacity < buffer->length + length)
            capacity *= 2;
        buffer->at = realloc(buffer->at, capacity);
        if (!buffer->at)
            fail("a line", "no memory left for it");
        buffer->capacity = capacity;
    }
    memcpy(buffer->at + buffer->length, at, length);
    buffer->length += length;
}

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static bool is(struct text text, const char *word) {
    size_t length = strlen(word);
    return text.length == length + 2 && text.at[0] == '"' && memcmp(text.at + 1, word, length) == 0;
}

static bool same(struct text one, struct text other) {
    return one.length == other.length && memcmp(one.at, other.at, one.length) == 0;
}

// The string, number or word that begins at `at`; of an object or an array nothing.
static struct text value_at(const char *at, const char *end) {
    const char *from = at;
    if (at < end && *at == '"') {
        for (at++; at < end && *at != '"'; at++)
            if (*at == '\\')
                at++;
        at = at < end ? at + 1 : end;
    } else {
        while (at < end && !memchr(",}] \t\r\n:{[\"", *at, 11))
            at++;
    }
    return (struct text){from, (size_t)(at - from)};
}

static const char *after_blanks(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
        at++;
    return at;
}

// Looks at the keys of the object on this line and of those in it; any text that is no JSON says nothing.
static struct said look(struct text line) {
    struct said said = {{0}, {0}, {0}, {0}, {0}};
    const char *at = after_blanks(line.at, line.at + line.length), *end = line.at + line.length;
    struct text keys[3] = {{0}, {0}, {0}};
    int depth = 0;
    if (at == end || *at != '{')
        return said;
    while (at < end) {
        if (*at == '{' || *at == '[') {
            depth++;
            if (depth <= 2)
                keys[depth] = (struct text){0};
            at++;
        } else if (*at == '}' || *at == ']') {
            if (--depth <= 0)
                break;
            at++;
        } else if (*at == '"') {
            struct text word = value_at(at, end);
            at = after_blanks(word.at + word.length, end);
            if (at == end || *at != ':' || depth < 1 || depth > 2)
                continue;
            keys[depth] = word;
            at = after_blanks(at + 1, end);
            struct text value = value_at(at, end);
            if (depth == 1 && is(word, "type"))
                said.type = value;
            else if (depth == 1 && is(word, "subtype"))
                said.subtype = value;
            else if (depth == 1 && is(word, "request_id"))
                said.request_id = value;
            else if (depth == 1 && is(word, "ms"))
                said.ms = value;
            else if (depth == 2 && is(word, "request_id") && is(keys[1], "response"))
                said.answered_id = value;
            at = value.at + value.length;
        } else {
            at++;
        }
    }
    return said;
}

static struct text script_line(const char *at) {
    const char *newline = memchr(at, '\n', (size_t)(play.end - at));
    return (struct text){at, (size_t)((newline ? newline + 1 : play.end) - at)};
}

// Most lines of a session are of these two kinds and mean nothing to us.
static bool is_plain(struct text line) {
    static const char assistant[] = "{\"type\":\"assistant\"", user[] = "{\"type\":\"user\"";
    return (line.length > sizeof assistant && memcmp(line.at, assistant, sizeof assistant - 1) == 0) ||
           (line.length > sizeof user && memcmp(line.at, user, sizeof user - 1) == 0);
}

static bool ends_turn(struct said said) {
    return is(said.type, "result") || is(said.type, "turn.completed") || is(said.type, "turn.failed");
}

static int number(struct text text) {
    long long value = 0;
    for (size_t i = 0; i < text.length && text.at[i] >= '0' && text.at[i] <= '9' && value < 1000000000; i++)
        value = value * 10 + (text.at[i] - '0');
    return value < 1000000000 ? (int)value : 1000000000;
}

static void wait_for(enum waiting what, int ms) {
    play.waiting = what;
    play.until_ms = now_ms() + ms;
    play.sign_ms = ms;
}

// Goes on to the next line at which something has to be waited for. Called when all up to `stop` is printed.
static void look_ahead(void) {
    play.stop = play.next;
    play.then = FOR_NOTHING;
    while (play.stop < play.end && play.stop - play.next < AHEAD) {
        struct text line = script_line(play.stop);
        if (is_plain(line)) {
            play.stop += line.length;
            continue;
        }
        struct said said = look(line);
        bool is_silent = is(said.type, "autoprof_delay") || is(said.type, "control_response");
        if (is_silent && play.stop > play.next)
            return;
        if (is_silent) {
            play.next = play.stop = line.at + line.length;
            if (play.with_delays && is(said.type, "autoprof_delay")) {
                wait_for(FOR_TIME, number(said.ms));
                return;
            }
            continue;
        }
        play.stop += line.length;
        if (is(said.type, "control_request")) {
            play.then = FOR_ANSWER;
            play.answer_id = said.request_id;
            return;
        }
        if (!play.opened && ((is(said.type, "system") && is(said.subtype, "init")) || is(said.type, "thread.started"))) {
            play.opened = true;
            play.then = FOR_PROMPT;
            return;
        }
        if (ends_turn(said) && play.stop < play.end) {
            play.turn++;
            play.then = FOR_PROMPT;
            return;
        }
    }
}

// All that may be printed is printed: what now?
static void go_on(void) {
    while (play.waiting == FOR_NOTHING && play.next == play.stop && !play.is_over) {
        enum waiting then = play.then;
        play.then = FOR_NOTHING;
        if (then == FOR_PROMPT && play.prompts > 0)
            play.prompts--;
        else if (then == FOR_PROMPT && !input.open && play.turn > 0)
            play.is_over = true;
        else if (then != FOR_NOTHING && input.open)
            wait_for(then, FIRST_SIGN_MS);
        else if (play.next == play.end)
            play.is_over = true;
        else
            look_ahead();
    }
}

static void hear(struct text line) {
    if (line.length == 0)
        return;
    struct said said = look(line);
    if (is(said.type, "user")) {
        if (play.waiting == FOR_PROMPT)
            play.waiting = FOR_NOTHING;
        else
            play.prompts++;
    } else if (is(said.type, "control_request") && said.request_id.length) {
        append(&answers, ANSWER_BEGIN, sizeof ANSWER_BEGIN - 1);
        append(&answers, said.request_id.at, said.request_id.length);
        append(&answers, ANSWER_END, sizeof ANSWER_END - 1);
    } else if (is(said.type, "control_response") && play.waiting == FOR_ANSWER && same(said.answered_id, play.answer_id)) {
        play.waiting = FOR_NOTHING;
    }
}

static void end_of_input(void) {
    if (input.line.length && !input.too_long)
        hear((struct text){input.line.at, input.line.length});
    input.open = false;
    // Nobody will answer any more. A caller that gives no prompt on standard input closes it.
    if (play.waiting == FOR_PROMPT && play.turn > 0)
        play.is_over = true;
    if (play.waiting == FOR_PROMPT || play.waiting == FOR_ANSWER)
        play.waiting = FOR_NOTHING;
}

static void read_input(void) {
    static char chunk[READ_SIZE];
    ssize_t count = read(STDIN_FILENO, chunk, sizeof chunk);
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (count <= 0) {
        end_of_input();
        return;
    }
    const char *at = chunk, *end = chunk + count, *newline;
    while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
        if (!input.too_long) {
            append(&input.line, at, (size_t)(newline - at));
            hear((struct text){input.line.at, input.line.length});
        }
        input.line.length = 0;
        input.too_long = false;
        at = newline + 1;
    }
    if (input.line.length + (size_t)(end - at) > LONGEST_LINE)
        input.too_long = true;
    if (!input.too_long)
        append(&input.line, at, (size_t)(end - at));
}

static bool between_lines(const char *script) {
    return play.next == script || play.next[-1] == '\n';
}

// Prints as much as there is room for; ends the program when nobody reads it any more.
static void print(const char *script, size_t at_most) {
    bool answering = answers_sent > 0 || (answers.length && between_lines(script));
    struct text text = {answers.at + answers_sent, answers.length - answers_sent};
    if (!answering) {
        struct text line = script_line(play.next);
        text = (struct text){play.next, answers.length ? line.length : (size_t)(play.stop - play.next)};
    }
    ssize_t count = write(STDOUT_FILENO, text.at, text.length < at_most ? text.length : at_most);
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (count < 0 && errno == EPIPE)
        _exit(0);
    if (count < 0)
        fail("standard output", strerror(errno));
    if (!answering) {
        play.next += count;
        return;
    }
    answers_sent += (size_t)count;
    if (answers_sent == answers.length)
        answers.length = answers_sent = 0;
}

static void time_passed(void) {
    if (play.waiting == FOR_TIME) {
        play.waiting = FOR_NOTHING;
        return;
    }
    append(&answers, SIGN_OF_LIFE, sizeof SIGN_OF_LIFE - 1);
    wait_for(play.waiting, play.sign_ms * 2 < LAST_SIGN_MS ? play.sign_ms * 2 : LAST_SIGN_MS);
}

static int left_ms(void) {
    if (play.waiting == FOR_NOTHING)
        return -1;
    long long left = play.until_ms - now_ms();
    return left > 0 ? (int)left : 0;
}

// A pipe or socket takes what it has room for; anything else gets pieces that never keep us long.
static size_t prepare_output(void) {
    struct stat about;
    if (fstat(STDOUT_FILENO, &about) == 0 && (S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode))) {
        int flags = fcntl(STDOUT_FILENO, F_GETFL);
        if (flags >= 0 && fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK) == 0)
            return SIZE_MAX;
    }
    return 4096;
}

static void perform(const char *script) {
    size_t at_most = prepare_output();
    for (;;) {
        go_on();
        bool has_words = answers.length || (play.waiting == FOR_NOTHING && play.next < play.stop);
        if (play.is_over && !answers.length) {
            // What was asked until now is still answered.
            struct pollfd asked = {STDIN_FILENO, POLLIN, 0};
            if (!input.open || poll(&asked, 1, 0) <= 0)
                return;
            read_input();
            continue;
        }
        struct pollfd ends[] = {
            {STDOUT_FILENO, has_words ? POLLOUT : 0, 0},
            {input.open ? STDIN_FILENO : -1, POLLIN, 0},
        };
        int ready = poll(ends, 2, has_words ? -1 : left_ms());
        if (ready < 0 && errno != EINTR)
            fail("poll", strerror(errno));
        if (ready == 0)
            time_passed();
        if (ready <= 0)
            continue;
        if (ends[1].revents)
            read_input();
        if (ends[0].revents & POLLOUT)
            print(script, at_most);
        else if (ends[0].revents & (POLLERR | POLLHUP | POLLNVAL))
            return;
    }
}

// The path of a file beside this program.
static const char *beside(const char *name) {
    static char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    if (length < 0)
        fail("/proc/self/exe", strerror(errno));
    path[length] = 0;
    strcpy(strrchr(path, '/') + 1, name);
    return path;
}

static struct text load(void) {
    const char *path = beside("session.jsonl");
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (file < 0 || fstat(file, &about) < 0)
        fail(path, strerror(errno));
    if (about.st_size == 0)
        fail(path, "it is empty");
    size_t size = (size_t)about.st_size;
    char *content = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (content == MAP_FAILED)
        fail(path, strerror(errno));
    close(file);
    if (content[size - 1] == '\n')
        return (struct text){content, size};
    // The last line is ended too: an answer may follow it.
    struct buffer whole = {0};
    append(&whole, content, size);
    append(&whole, "\n", 1);
    return (struct text){whole.at, whole.length};
}

// Whoever started us may have left standard files closed, signals ignored or blocked.
static void prepare_process(void) {
    int file;
    while ((file = open("/dev/null", O_RDWR)) >= 0 && file <= STDERR_FILENO)
        ;
    close(file);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
}

static void answer(const char *text) {
    if (write(STDOUT_FILENO, text, strlen(text)) < 0)
        _exit(1);
    _exit(0);
}

int main(int count, char **arguments) {
    prepare_process();
    const char *slash = count ? strrchr(arguments[0], '/') : NULL;
    bool is_codex = count && strcmp(slash ? slash + 1 : arguments[0], "codex") == 0;
    if (count > 1 && (strcmp(arguments[1], "--version") == 0 || strcmp(arguments[1], "-v") == 0))
        answer(is_codex ? "codex-cli 2.0.0 (autoprof-ci's scripted agent)\n" : "2.0.0 (autoprof-ci's scripted agent)\n");
    if (count > 1 && strcmp(arguments[1], "--help") == 0)
        answer("Plays the session that is recorded in session.jsonl beside this program, whatever its options say.\n");
    play.with_delays = access(beside("recorded-delays"), F_OK) == 0;
    struct text script = load();
    play.next = play.stop = script.at;
    play.end = script.at + script.length;
    perform(script.at);
    return 0;
}
