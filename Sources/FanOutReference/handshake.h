#ifndef DOORBELL_HANDSHAKE_H
#define DOORBELL_HANDSHAKE_H

#include <stddef.h>

// The `Sec-WebSocket-Accept` for a key (RFC 6455, section 4.2.2): 28 characters and a NUL.
void handshake_accept(const char *key, size_t length, char accept[29]);

#endif
