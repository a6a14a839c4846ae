// The load generator of `doorbell-bench fanout`: one thread, many WebSocket connections, on 127.0.0.0/8 only.
//
// Commands come on standard input, one a line; each is answered by one line of JSON on standard output. The program ends
// when standard input does.
//
//   connect COUNT WINDOW SECONDS   open COUNT more, at most WINDOW of them in progress; WINDOW = COUNT is a storm
//   reset                          forget what was received
//   wait MESSAGES SECONDS          until that many messages with a send time came since `reset`
//   run SECONDS                    for a time
//   stall COUNT | unstall          the first COUNT connections are not read any more
//   post PATH COUNT RATE           publish by HTTP POST, RATE a second or (0) each when the last was answered
//   cycles COUNT SIZE SECONDS      open SIZE, wait until they are ready, close them, COUNT times; each second time abruptly
//   close                          all at once, abruptly
#ifdef __linux__
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static struct load load;
static struct publisher publisher = {.fd = -1};
static char input[4096];
static size_t input_size;
static bool has_ended;

uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void fail(const char *reason) {
    printf("{\"error\":\"%s%s%s\"}\n", reason, errno ? ": " : "", errno ? strerror(errno) : "");
    fflush(stdout);
    exit(1);
}

// One turn of the loop: everything that happened, or until `deadline`.
static void turn(uint64_t deadline) {
    int64_t rest = publisher_turn(&publisher);
    uint64_t now = now_ns();
    int64_t wait = deadline > now ? (int64_t)(deadline - now) : 0;
    if (rest >= 0 && rest < wait) wait = rest;
    struct timespec timeout = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
    struct epoll_event events[512];
    int count = epoll_pwait2(load.epoll, events, 512, &timeout, NULL);
    if (count < 0 && errno != EINTR) fail("epoll_pwait2");
    for (int index = 0; index < count; index++) {
        uint32_t number = events[index].data.u32;
        if (number == EVENT_PUBLISHER) {
            publisher_event(&publisher);
        } else if (number == EVENT_STDIN) {
            ssize_t size = read(0, input + input_size, sizeof input - 1 - input_size);
            if (size > 0) input_size += (size_t)size;
            else if (size == 0 || errno != EAGAIN) has_ended = true;
        } else {
            connection_event(&load, &load.connections[number], events[index].events);
        }
        if (has_ended) exit(0);
    }
}

// Opens `count` more. Returns whether they are all through before `deadline`.
static bool open_connections(int count, int window, uint64_t deadline) {
    int target = load.next + count;
    while (load.next < target || load.pending > 0) {
        while (load.next < target && load.pending < window)
            if (!connection_begin(&load)) return false;
        if (now_ns() >= deadline) return false;
        turn(deadline);
    }
    return true;
}

static void abort_all(void) {
    for (int index = 0; index < load.next; index++) connection_abort(&load, &load.connections[index]);
    load.next = 0;
}

static void reset(void) {
    load.messages = load.frames = load.bytes = load.first_sent = load.last_received = 0;
    histogram_clear(&load.latency);
    for (int index = 0; index < load.next; index++) load.connections[index].messages = 0;
}

static void answer_connect(uint64_t began) {
    printf(
        "{\"open\":%d,\"refused\":%llu,\"failed\":%llu,\"seconds\":%.6f,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}\n",
        load.open, (unsigned long long)load.refused, (unsigned long long)load.failed, (double)(now_ns() - began) / 1e9,
        histogram_quantile(&load.connecting, 0.5), histogram_quantile(&load.connecting, 0.99),
        (double)load.connecting.max / 1e6);
}

static void connect_some(int count, int window, double seconds) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if ((rlim_t)(load.open + count + 16) > limit.rlim_cur) {
        printf(
            "{\"error\":\"%d connections need more descriptors than this process may have (%llu); only root or limits.conf "
            "can raise the hard limit\"}\n",
            load.open + count, (unsigned long long)limit.rlim_cur);
        return;
    }
    uint64_t began = now_ns();
    load.refused = load.failed = 0;
    histogram_clear(&load.connecting);
    open_connections(count, window, began + (uint64_t)(seconds * 1e9));
    // What is not through by now has failed.
    for (int index = 0; index < load.next; index++)
        if (load.connections[index].state != READY) connection_abort(&load, &load.connections[index]);
    answer_connect(began);
}

static void cycle(int count, int size, double seconds) {
    uint64_t began = now_ns(), deadline = began + (uint64_t)(seconds * 1e9);
    load.refused = load.failed = load.lost = 0;
    histogram_clear(&load.connecting);
    int first = load.next, done = 0;
    while (done < count && open_connections(size, size, deadline)) {
        for (int index = first; index < load.next; index++) {
            struct connection *connection = &load.connections[index];
            if (done % 2 == 0) connection_close_politely(&load, connection);
            else connection_abort(&load, connection);
        }
        load.next = first;
        done++;
    }
    printf("{\"cycles\":%d,\"connections\":%d,\"refused\":%llu,\"failed\":%llu,\"seconds\":%.6f}\n", done, done * size,
           (unsigned long long)load.refused, (unsigned long long)load.failed, (double)(now_ns() - began) / 1e9);
}

static void report(void) {
    uint32_t least = UINT32_MAX, most = 0;
    int stalled = 0;
    for (int index = 0; index < load.next; index++) {
        const struct connection *connection = &load.connections[index];
        if (connection->state != READY) continue;
        if (connection->is_stalled) {
            stalled++;
            continue;
        }
        if (connection->messages < least) least = connection->messages;
        if (connection->messages > most) most = connection->messages;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double seconds = load.messages > 0 ? (double)(load.last_received - load.first_sent) / 1e9 : 0;
    printf(
        "{\"messages\":%llu,\"frames\":%llu,\"bytes\":%llu,\"seconds\":%.6f,\"p50\":%.4f,\"p99\":%.4f,\"max\":%.4f,"
        "\"least\":%u,\"most\":%u,\"open\":%d,\"stalled\":%d,\"lost\":%llu,\"unpublished\":%llu,\"cpu\":%.6f}\n",
        (unsigned long long)load.messages, (unsigned long long)load.frames, (unsigned long long)load.bytes, seconds,
        histogram_quantile(&load.latency, 0.5), histogram_quantile(&load.latency, 0.99), (double)load.latency.max / 1e6,
        least == UINT32_MAX ? 0 : least, most, load.open, stalled, (unsigned long long)load.lost,
        (unsigned long long)publisher.failed,
        (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
            (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

static void run_until(uint64_t messages, double seconds) {
    uint64_t deadline = now_ns() + (uint64_t)(seconds * 1e9);
    while (load.messages < messages && now_ns() < deadline) turn(deadline);
    report();
}

static void obey(const char *line) {
    int one = 0, two = 0;
    double seconds = 0, rate = 0;
    unsigned long long messages = 0;
    char path[128];
    if (sscanf(line, "connect %d %d %lf", &one, &two, &seconds) == 3) {
        connect_some(one, two, seconds);
    } else if (strcmp(line, "reset") == 0) {
        reset();
        printf("{}\n");
    } else if (sscanf(line, "wait %llu %lf", &messages, &seconds) == 2) {
        run_until(messages, seconds);
    } else if (sscanf(line, "run %lf", &seconds) == 1) {
        run_until(UINT64_MAX, seconds);
    } else if (sscanf(line, "stall %d", &one) == 1) {
        for (int index = 0; index < load.next && index < one; index++)
            connection_stall(&load, &load.connections[index], true);
        printf("{}\n");
    } else if (strcmp(line, "unstall") == 0) {
        for (int index = 0; index < load.next; index++) connection_stall(&load, &load.connections[index], false);
        printf("{}\n");
    } else if (sscanf(line, "post %127s %llu %lf", path, &messages, &rate) == 3) {
        printf(publisher_start(&publisher, &load, path, messages, rate) ? "{}\n" : "{\"error\":\"cannot publish\"}\n");
    } else if (sscanf(line, "cycles %d %d %lf", &one, &two, &seconds) == 3) {
        cycle(one, two, seconds);
    } else if (strcmp(line, "close") == 0) {
        abort_all();
        printf("{}\n");
    } else {
        printf("{\"error\":\"unknown command\"}\n");
    }
    fflush(stdout);
}

static void parse(int argc, char **argv) {
    load.options = (struct options){.path = "/", .marker = "\"sent\":", .addresses = 8};
    static const struct option names[] = {
        {"port", required_argument, NULL, 'p'},  {"path", required_argument, NULL, 'u'},
        {"subscribe", required_argument, NULL, 's'}, {"ready", required_argument, NULL, 'r'},
        {"marker", required_argument, NULL, 'm'}, {"addresses", required_argument, NULL, 'a'}, {0},
    };
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (option) {
        case 'p': load.options.port = atoi(optarg); break;
        case 'u': load.options.path = optarg; break;
        case 's': load.options.subscribe = optarg; break;
        case 'r': load.options.ready = optarg; break;
        case 'm': load.options.marker = optarg; break;
        case 'a': load.options.addresses = atoi(optarg); break;
        default: exit(2);
        }
    }
    const struct options *options = &load.options;
    if (options->port < 1 || options->port > 65535 || options->addresses < 1 || options->addresses > 200) {
        fprintf(stderr, "usage: FanOutLoad --port PORT [--path /] [--subscribe TEXT] [--ready TEXT] [--marker TEXT] "
                        "[--addresses 8]\n");
        exit(2);
    }
}

int main(int argc, char **argv) {
    parse(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    load.capacity = 1 << 16;
    load.connections = calloc((size_t)load.capacity, sizeof *load.connections);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load.connections == NULL || load.epoll < 0) fail("cannot start");
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = EVENT_STDIN};
    if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, 0, &event) != 0) fail("standard input has to be a pipe");
    for (;;) {
        char *end = memchr(input, '\n', input_size);
        if (end == NULL) {
            turn(now_ns() + 1000000000u);
            continue;
        }
        char line[sizeof input];
        size_t length = (size_t)(end - input);
        memcpy(line, input, length);
        line[length] = 0;
        input_size -= length + 1;
        memmove(input, end + 1, input_size);
        obey(line);
    }
}
#else
#include <stdio.h>
int main(void) {
    fputs("the load generator needs Linux\n", stderr);
    return 1;
}
#endif
