#ifdef __linux__
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// One for all connections: whatever is not whole at its end is kept by the connection.
#define BUFFER_SIZE (1 << 20)
static uint8_t buffer[BUFFER_SIZE];

// Any key does for measuring, and the answer to this one is in RFC 6455.
static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char accept_key[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
static const uint8_t mask[4] = {0x37, 0xFA, 0x21, 0x3D};

static uint32_t number(const struct load *load, const struct connection *connection) {
    return (uint32_t)(connection - load->connections);
}

static void watch(struct load *load, struct connection *connection, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.u32 = number(load, connection)};
    if (epoll_ctl(load->epoll, operation, connection->fd, &event) != 0) fail("epoll_ctl");
}

// Into `out`, with %d as the connection's number.
static int expand(const char *pattern, uint32_t number, char *out, size_t size) {
    const char *place = strstr(pattern, "%d");
    int length = place == NULL ? snprintf(out, size, "%s", pattern)
                               : snprintf(out, size, "%.*s%u%s", (int)(place - pattern), pattern, number, place + 2);
    if (length < 0 || (size_t)length >= size) fail("a path or message is too long");
    return length;
}

static void ended(struct load *load, struct connection *connection) {
    switch (connection->state) {
    case CLOSED: return;
    case CONNECTING: case SHAKING_HANDS: case SUBSCRIBING:
        load->pending--;
        load->failed++;
        break;
    case READY: load->open--; break;
    }
    connection->state = CLOSED;
    close(connection->fd);
    connection->fd = -1;
    free(connection->held);
    connection->held = NULL;
    connection->held_size = 0;
}

static void lost(struct load *load, struct connection *connection) {
    if (connection->state == READY) load->lost++;
    ended(load, connection);
}

void connection_abort(struct load *load, struct connection *connection) {
    if (connection->state == CLOSED) return;
    // No TIME_WAIT: the ports are needed again.
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    ended(load, connection);
}

static void send_frame(
    struct load *load, struct connection *connection, uint8_t opcode, const void *payload, size_t size
) {
    uint8_t frame[8 + 1024];
    if (size > 1024) fail("a message is too long");
    size_t header = 2;
    frame[0] = 0x80 | opcode;
    if (size < 126) {
        frame[1] = 0x80 | (uint8_t)size;
    } else {
        frame[1] = 0x80 | 126;
        frame[2] = (uint8_t)(size >> 8);
        frame[3] = (uint8_t)size;
        header = 4;
    }
    memcpy(frame + header, mask, 4);
    for (size_t index = 0; index < size; index++)
        frame[header + 4 + index] = ((const uint8_t *)payload)[index] ^ mask[index & 3];
    ssize_t sent = send(connection->fd, frame, header + 4 + size, MSG_NOSIGNAL);
    if (sent != (ssize_t)(header + 4 + size)) lost(load, connection);
}

void connection_close_politely(struct load *load, struct connection *connection) {
    if (connection->state != READY) return connection_abort(load, connection);
    const uint8_t code[2] = {1000 >> 8, 1000 & 0xFF};
    send_frame(load, connection, 8, code, sizeof code);
    // The answer is not waited for; the server reads the frame and then the end.
    if (connection->state == READY) {
        shutdown(connection->fd, SHUT_WR);
        ended(load, connection);
    }
}

void connection_stall(struct load *load, struct connection *connection, bool is_stalled) {
    if (connection->state != READY || connection->is_stalled == is_stalled) return;
    connection->is_stalled = is_stalled;
    watch(load, connection, EPOLL_CTL_MOD, is_stalled ? 0 : EPOLLIN);
}

bool connection_begin(struct load *load) {
    if (load->next >= load->capacity) return false;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    int one = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct connection *connection = &load->connections[load->next++];
    *connection = (struct connection){.fd = fd, .state = CONNECTING, .began = now_ns()};
    load->pending++;
    struct sockaddr_in address = {.sin_family = AF_INET};
    uint32_t last = 2 + number(load, connection) % (uint32_t)load->options.addresses;
    address.sin_addr.s_addr = htonl(0x7F000000 | last);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind to a source address");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)load->options.port);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
        ended(load, connection);
        return true;
    }
    watch(load, connection, EPOLL_CTL_ADD, EPOLLOUT);
    return true;
}

static void shake_hands(struct load *load, struct connection *connection) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return ended(load, connection);
    char path[256], request[1024];
    expand(load->options.path, number(load, connection), path, sizeof path);
    int length = snprintf(
        request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
        path, load->options.port, key);
    if (send(connection->fd, request, (size_t)length, MSG_NOSIGNAL) != length) return ended(load, connection);
    connection->state = SHAKING_HANDS;
    watch(load, connection, EPOLL_CTL_MOD, EPOLLIN);
}

static void became_ready(struct load *load, struct connection *connection) {
    connection->state = READY;
    load->pending--;
    load->open++;
    histogram_add(&load->connecting, now_ns() - connection->began);
}

// Returns how many bytes the answer's head takes; 0 while it is not whole. Closes the connection when it is no 101.
static size_t take_answer(struct load *load, struct connection *connection, const uint8_t *bytes, size_t size) {
    const uint8_t *end = memmem(bytes, size, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    size_t length = (size_t)(end - bytes) + 4;
    bool is_switching = length >= 12 && memcmp(bytes, "HTTP/1.1 101", 12) == 0;
    if (!is_switching || memmem(bytes, length, accept_key, strlen(accept_key)) == NULL) {
        load->refused++;
        load->failed--;
        ended(load, connection);
        return 0;
    }
    connection->state = SUBSCRIBING;
    if (load->options.subscribe != NULL) {
        char text[512];
        int size_of_text = expand(load->options.subscribe, number(load, connection), text, sizeof text);
        send_frame(load, connection, 1, text, (size_t)size_of_text);
    }
    if (connection->state == SUBSCRIBING && load->options.ready == NULL) became_ready(load, connection);
    return length;
}

static void take_message(
    struct load *load, struct connection *connection, const uint8_t *payload, size_t size, uint64_t received
) {
    size_t length = strlen(load->options.marker);
    const uint8_t *place = memmem(payload, size, load->options.marker, length);
    if (place == NULL) {
        if (connection->state == SUBSCRIBING && memmem(payload, size, load->options.ready, strlen(load->options.ready)))
            became_ready(load, connection);
        return;
    }
    uint64_t sent = 0;
    for (const uint8_t *digit = place + length; digit < payload + size && *digit >= '0' && *digit <= '9'; digit++)
        sent = sent * 10 + (uint64_t)(*digit - '0');
    connection->messages++;
    load->messages++;
    if (load->first_sent == 0 || sent < load->first_sent) load->first_sent = sent;
    load->last_received = received;
    histogram_add(&load->latency, received > sent ? received - sent : 0);
}

// Returns how many bytes whole frames take.
static size_t take_frames(
    struct load *load, struct connection *connection, const uint8_t *bytes, size_t size, uint64_t received
) {
    size_t used = 0;
    while (size - used >= 2) {
        const uint8_t *frame = bytes + used;
        size_t header = 2;
        uint64_t length = frame[1] & 0x7F;
        if (frame[1] & 0x80) fail("the server sent a masked frame");
        if (length == 126) {
            if (size - used < 4) break;
            length = (uint64_t)frame[2] << 8 | frame[3];
            header = 4;
        } else if (length == 127) {
            if (size - used < 10) break;
            length = 0;
            for (int index = 2; index < 10; index++) length = length << 8 | frame[index];
            header = 10;
        }
        if (length > BUFFER_SIZE / 2) fail("the server sent a frame above 512 KiB");
        if (size - used < header + length) break;
        load->frames++;
        load->bytes += header + length;
        switch (frame[0] & 0x0F) {
        case 1: case 2: take_message(load, connection, frame + header, length, received); break;
        case 9: send_frame(load, connection, 10, frame + header, length); break;
        case 8: lost(load, connection); break;
        default: break;
        }
        if (connection->state == CLOSED) return size;
        used += header + length;
    }
    return used;
}

static void receive(struct load *load, struct connection *connection) {
    size_t size = connection->held_size;
    if (size > 0) memcpy(buffer, connection->held, size);
    ssize_t count = recv(connection->fd, buffer + size, BUFFER_SIZE - size, 0);
    if (count <= 0) {
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
        return lost(load, connection);
    }
    uint64_t received = now_ns();
    size += (size_t)count;
    size_t used = 0;
    if (connection->state == SHAKING_HANDS) {
        used = take_answer(load, connection, buffer, size);
        if (used == 0 && connection->state != SHAKING_HANDS) return;
    }
    if (connection->state >= SUBSCRIBING) used += take_frames(load, connection, buffer + used, size - used, received);
    if (connection->state == CLOSED) return;
    size_t rest = size - used;
    if (rest > 0) {
        connection->held = realloc(connection->held, rest);
        if (connection->held == NULL) fail("no memory");
        memcpy(connection->held, buffer + used, rest);
    } else if (connection->held != NULL) {
        free(connection->held);
        connection->held = NULL;
    }
    connection->held_size = (uint32_t)rest;
}

void connection_event(struct load *load, struct connection *connection, uint32_t events) {
    // Several events of one turn can be about a connection that the first of them ended.
    if (connection->state == CLOSED) return;
    if (connection->state == CONNECTING) return shake_hands(load, connection);
    // A stalled reader does not notice either that the server has closed: EPOLLHUP comes unasked, though.
    if (connection->is_stalled) {
        if (events & (EPOLLHUP | EPOLLERR)) lost(load, connection);
        return;
    }
    receive(load, connection);
}
#endif
