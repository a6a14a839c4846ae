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
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// Of a message, in bytes.
#define MESSAGE_SIZE 200

bool publisher_start(
    struct publisher *publisher, const struct load *load, const char *path, uint64_t count, double rate
) {
    if (publisher->fd >= 0) close(publisher->fd);
    *publisher = (struct publisher){.left = count, .interval = rate > 0 ? (uint64_t)(1e9 / rate) : 0, .due = now_ns()};
    snprintf(publisher->path, sizeof publisher->path, "%s", path);
    publisher->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->options.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (publisher->fd < 0 || connect(publisher->fd, (struct sockaddr *)&address, sizeof address) != 0) return false;
    int one = 1;
    setsockopt(publisher->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = EVENT_PUBLISHER};
    return epoll_ctl(load->epoll, EPOLL_CTL_ADD, publisher->fd, &event) == 0;
}

int64_t publisher_turn(struct publisher *publisher) {
    if (publisher->fd < 0 || publisher->left == 0 || publisher->is_waiting) return -1;
    uint64_t now = now_ns();
    if (publisher->due > now) return (int64_t)(publisher->due - now);
    char message[MESSAGE_SIZE + 1];
    int length = snprintf(message, sizeof message, "{\"sent\":%llu,\"padding\":\"", (unsigned long long)now);
    memset(message + length, 'x', (size_t)(MESSAGE_SIZE - length));
    memcpy(message + MESSAGE_SIZE - 2, "\"}", 3);
    char request[1024];
    length = snprintf(
        request, sizeof request,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
        publisher->path, MESSAGE_SIZE, message);
    if (send(publisher->fd, request, (size_t)length, MSG_NOSIGNAL) != length) {
        publisher->failed += publisher->left;
        publisher->left = 0;
        return -1;
    }
    publisher->left--;
    publisher->due += publisher->interval;
    if (publisher->interval == 0) publisher->due = now;
    publisher->is_waiting = true;
    return -1;
}

void publisher_event(struct publisher *publisher) {
    size_t room = sizeof publisher->answer - 1 - publisher->answered;
    ssize_t count = recv(publisher->fd, publisher->answer + publisher->answered, room, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        publisher->failed += publisher->left + publisher->is_waiting;
        publisher->left = 0;
        close(publisher->fd);
        publisher->fd = -1;
        return;
    }
    publisher->answered += (size_t)count;
    publisher->answer[publisher->answered] = 0;
    const char *end = strstr(publisher->answer, "\r\n\r\n");
    if (end == NULL) return;
    const char *length = strcasestr(publisher->answer, "content-length:");
    size_t body = length != NULL && length < end ? strtoul(length + 15, NULL, 10) : 0;
    size_t whole = (size_t)(end + 4 - publisher->answer) + body;
    if (publisher->answered < whole) return;
    if (publisher->answer[9] != '2') publisher->failed++;
    publisher->answered = 0;
    publisher->is_waiting = false;
}
#endif
