// The least that a push server can do, for `doorbell-bench fanout` to compare with: one thread, epoll, and one write() of
// a ready-made frame for each subscriber. What a message costs here is what the kernel asks for it.
//
// Clients subscribe by their path: /all, or /c/NUMBER for a channel of their own. Prints its port. Commands come on
// standard input, one a line, each answered by one line when it is done; the program ends when standard input does.
//
//   one COUNT RATE               to /all, RATE a second; 0: as fast as possible
//   many COUNT RATE CHANNELS     to /c/0 ... in turn; what is due is sent every millisecond
#ifdef __linux__
#define _GNU_SOURCE
#include "handshake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// The kernel gives out the lowest number that is free: they stay below the descriptor limit.
#define MAXIMUM_CONNECTIONS 65536
#define PAYLOAD 200
#define STDIN_NUMBER 0

enum state { CLOSED, SHAKING_HANDS, SUBSCRIBED };

static struct connection {
    enum state state;
    // -1: /all.
    int channel;
    // In `everyone`, for /all.
    int place;
} connections[MAXIMUM_CONNECTIONS];

// Descriptors of /all, close together.
static int everyone[MAXIMUM_CONNECTIONS];
static int everyone_count;
// By channel; 0 is nobody.
static int owner[MAXIMUM_CONNECTIONS];
static int epoll, listener;

// The command in progress.
static struct { uint64_t left; uint64_t interval; uint64_t due; int channels; uint64_t sent; bool is_active; } work;

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static _Noreturn void fail(const char *reason) {
    perror(reason);
    exit(1);
}

static void end(int fd) {
    struct connection *connection = &connections[fd];
    if (connection->state == SUBSCRIBED && connection->channel < 0) {
        int last = everyone[--everyone_count];
        everyone[connection->place] = last;
        connections[last].place = connection->place;
    } else if (connection->state == SUBSCRIBED) {
        owner[connection->channel] = 0;
    }
    connection->state = CLOSED;
    close(fd);
}

static void write_all(int fd, const uint8_t *bytes, size_t size) {
    while (size > 0) {
        ssize_t count = write(fd, bytes, size);
        if (count > 0) {
            bytes += count;
            size -= (size_t)count;
        } else if (count < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            if (poll(&wait, 1, 10000) <= 0) return end(fd);
        } else {
            return end(fd);
        }
    }
}

static size_t make_frame(uint8_t frame[PAYLOAD + 4]) {
    frame[0] = 0x81;
    frame[1] = 126;
    frame[2] = PAYLOAD >> 8;
    frame[3] = PAYLOAD & 0xFF;
    char *text = (char *)frame + 4;
    int length = snprintf(text, PAYLOAD, "{\"sent\":%llu,\"padding\":\"", (unsigned long long)now_ns());
    memset(text + length, 'x', (size_t)(PAYLOAD - length - 2));
    memcpy(text + PAYLOAD - 2, "\"}", 2);
    return PAYLOAD + 4;
}

static void publish(void) {
    uint8_t frame[PAYLOAD + 4];
    size_t size = make_frame(frame);
    if (work.channels > 0) {
        int fd = owner[work.sent % (uint64_t)work.channels];
        if (fd > 0) write_all(fd, frame, size);
    } else {
        // From the end: one that fails is replaced by the last.
        for (int index = everyone_count - 1; index >= 0; index--) write_all(everyone[index], frame, size);
    }
    work.sent++;
    work.left--;
}

// Publishes what is due. Returns how long to wait, in nanoseconds.
static int64_t publish_due(void) {
    if (!work.is_active) return 1000000000;
    uint64_t now = now_ns();
    while (work.left > 0 && work.due <= now) {
        publish();
        work.due += work.interval;
        // As fast as possible, but readers that leave are noticed.
        if (work.interval == 0) break;
    }
    if (work.left == 0) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        printf("done %.6f\n", (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
        fflush(stdout);
        work.is_active = false;
        return 1000000000;
    }
    if (work.interval == 0) return 0;
    now = now_ns();
    int64_t rest = work.due > now ? (int64_t)(work.due - now) : 0;
    // A millisecond's worth of messages leaves together, as a tick of changes does.
    return work.channels > 0 && rest < 1000000 ? 1000000 : rest;
}

static void obey(const char *line) {
    unsigned long long count;
    double rate;
    int channels = 0;
    bool is_known = sscanf(line, "many %llu %lf %d", &count, &rate, &channels) == 3 ||
                    sscanf(line, "one %llu %lf", &count, &rate) == 2;
    if (!is_known) {
        printf("error\n");
        fflush(stdout);
        return;
    }
    work.left = count;
    work.interval = rate > 0 ? (uint64_t)(1e9 / rate) : 0;
    work.due = now_ns();
    work.channels = channels;
    work.sent = 0;
    work.is_active = true;
}

static void accept_all(void) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        if (fd >= MAXIMUM_CONNECTIONS) {
            close(fd);
            continue;
        }
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        connections[fd] = (struct connection){.state = SHAKING_HANDS};
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
    }
}

// The whole request has to come in one read, which on loopback it does.
static void shake_hands(int fd, char *request) {
    struct connection *connection = &connections[fd];
    char *key = strcasestr(request, "\r\nsec-websocket-key:");
    if (strstr(request, "\r\n\r\n") == NULL || key == NULL) return end(fd);
    key += 20;
    while (*key == ' ') key++;
    char accept[29], answer[256];
    handshake_accept(key, strcspn(key, "\r\n"), accept);
    connection->channel = -1;
    if (strncmp(request, "GET /c/", 7) == 0) {
        connection->channel = atoi(request + 7);
        if (connection->channel < 0 || connection->channel >= MAXIMUM_CONNECTIONS) return end(fd);
        owner[connection->channel] = fd;
    } else {
        connection->place = everyone_count;
        everyone[everyone_count++] = fd;
    }
    connection->state = SUBSCRIBED;
    int length = snprintf(
        answer, sizeof answer,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\n\r\n",
        accept);
    write_all(fd, (const uint8_t *)answer, (size_t)length);
}

static void receive(int fd) {
    char bytes[4096];
    ssize_t count = read(fd, bytes, sizeof bytes - 1);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return end(fd);
    bytes[count] = 0;
    if (connections[fd].state == SHAKING_HANDS) return shake_hands(fd, bytes);
    // Whatever a subscriber says is ignored, but a close frame is taken for its end.
    if (((uint8_t)bytes[0] & 0x0F) == 8) end(fd);
}

static void read_commands(void) {
    static char input[4096];
    static size_t size;
    ssize_t count = read(STDIN_NUMBER, input + size, sizeof input - size);
    if (count <= 0) exit(0);
    size += (size_t)count;
    char *newline;
    while ((newline = memchr(input, '\n', size)) != NULL) {
        *newline = 0;
        obey(input);
        size -= (size_t)(newline + 1 - input);
        memmove(input, newline + 1, size);
    }
}

int main(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 16384) != 0) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = STDIN_NUMBER;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_NUMBER, &event) != 0) fail("standard input has to be a pipe");
    for (;;) {
        int64_t wait = publish_due();
        struct timespec timeout = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
        struct epoll_event events[512];
        int count = epoll_pwait2(epoll, events, 512, &timeout, NULL);
        for (int index = 0; index < count; index++) {
            int fd = events[index].data.fd;
            if (fd == listener) accept_all();
            else if (fd == STDIN_NUMBER) read_commands();
            else if (connections[fd].state != CLOSED) receive(fd);
        }
    }
}
#else
#include <stdio.h>
int main(void) {
    fputs("the reference server needs Linux\n", stderr);
    return 1;
}
#endif
