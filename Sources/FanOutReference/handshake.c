#include "handshake.h"

#include <stdint.h>
#include <string.h>

static uint32_t rotate(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

static void sha1_block(uint32_t hash[5], const uint8_t block[64]) {
    uint32_t words[80];
    for (int i = 0; i < 16; i++)
        words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
                   block[4 * i + 3];
    for (int i = 16; i < 80; i++) words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4];
    for (int i = 0; i < 80; i++) {
        uint32_t f, k;
        if (i < 20) f = (b & c) | (~b & d), k = 0x5A827999;
        else if (i < 40) f = b ^ c ^ d, k = 0x6ED9EBA1;
        else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8F1BBCDC;
        else f = b ^ c ^ d, k = 0xCA62C1D6;
        uint32_t next = rotate(a, 5) + f + e + k + words[i];
        e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d, hash[4] += e;
}

void handshake_accept(const char *key, size_t length, char accept[29]) {
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // A key has 24 characters: with the magic and the padding of SHA-1 two blocks, always.
    uint8_t text[128] = {0};
    if (length > 64) length = 64;
    memcpy(text, key, length);
    memcpy(text + length, magic, 36);
    length += 36;
    text[length] = 0x80;
    text[126] = (uint8_t)(length * 8 >> 8);
    text[127] = (uint8_t)(length * 8);
    uint32_t hash[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    sha1_block(hash, text);
    sha1_block(hash, text + 64);
    uint8_t bytes[21] = {0};
    for (int i = 0; i < 20; i++) bytes[i] = (uint8_t)(hash[i / 4] >> (24 - 8 * (i % 4)));
    for (int group = 0; group < 7; group++) {
        uint32_t bits = (uint32_t)bytes[3 * group] << 16 | (uint32_t)bytes[3 * group + 1] << 8 | bytes[3 * group + 2];
        for (int i = 0; i < 4; i++) accept[4 * group + i] = digits[bits >> (18 - 6 * i) & 63];
    }
    accept[27] = '=';
    accept[28] = 0;
}
