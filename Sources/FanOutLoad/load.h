#ifndef DOORBELL_LOAD_H
#define DOORBELL_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"

// What is asked of the server, from the command line.
struct options {
    int port;
    // Of the handshake; %d becomes the connection's number.
    const char *path;
    // Sent in a text frame after the handshake; %d becomes the connection's number. NULL: nothing.
    const char *subscribe;
    // A connection is ready when it received a frame with this in it. NULL: after the handshake.
    const char *ready;
    // Comes before the send time in a message: digits, nanoseconds of CLOCK_MONOTONIC.
    const char *marker;
    // Source addresses, from 127.0.0.2 on.
    int addresses;
};

enum state { CLOSED, CONNECTING, SHAKING_HANDS, SUBSCRIBING, READY };

struct connection {
    int fd;
    enum state state;
    // Nothing is read from it.
    bool is_stalled;
    // Messages with a send time.
    uint32_t messages;
    // When connecting began.
    uint64_t began;
    // The beginning of something that is not whole yet.
    uint8_t *held;
    uint32_t held_size;
};

// Of all connections.
struct load {
    struct options options;
    int epoll;
    struct connection *connections;
    int capacity;
    // Connections are numbered in the order of their connecting; this is the next number.
    int next;
    // In the states CONNECTING to SUBSCRIBING.
    int pending;
    int open;
    // Answered with something else than 101.
    uint64_t refused;
    // Could not connect, or closed before they were ready.
    uint64_t failed;
    // Closed by the server after they were ready.
    uint64_t lost;

    // Since the last `reset`.
    uint64_t messages;
    uint64_t frames;
    uint64_t bytes;
    uint64_t first_sent;
    uint64_t last_received;
    struct histogram latency;
    struct histogram connecting;
};

uint64_t now_ns(void);
_Noreturn void fail(const char *reason);

// Begins one more connection. False: the system has no descriptor left.
bool connection_begin(struct load *load);
// Something happened to it: `events` of epoll.
void connection_event(struct load *load, struct connection *connection, uint32_t events);
// At once, without a word: the peer sees a reset.
void connection_abort(struct load *load, struct connection *connection);
// With a close frame, as browsers do; the server closes.
void connection_close_politely(struct load *load, struct connection *connection);
void connection_stall(struct load *load, struct connection *connection, bool is_stalled);

// The publisher for servers that take messages by HTTP: POSTs one after the other on one connection.
struct publisher {
    int fd;
    char path[128];
    uint64_t left;
    // Between two messages; 0: as soon as the last one was answered.
    uint64_t interval;
    uint64_t due;
    bool is_waiting;
    char answer[4096];
    size_t answered;
    uint64_t failed;
};

bool publisher_start(
    struct publisher *publisher, const struct load *load, const char *path, uint64_t count, double rate);
// Sends what is due. Returns nanoseconds until the next one, or -1.
int64_t publisher_turn(struct publisher *publisher);
void publisher_event(struct publisher *publisher);

// epoll data that is no connection's number.
#define EVENT_STDIN UINT32_MAX
#define EVENT_PUBLISHER (UINT32_MAX - 1)

#endif
