/* The proof of a WebSocket handshake: SHA-1 (FIPS 180-4, section 6.1) in base64 (RFC 4648, section 4). Nobody's secret
 * depends on it. */
#include <string.h>

#include "base/ws_frame.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t rotate(uint32_t value, unsigned bits) { return value << bits | value >> (32 - bits); }

static void add_block(uint32_t hash[5], const uint8_t block[64]) {
  uint32_t words[80], a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4];
  for (size_t i = 0; i < 16; ++i)
    words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
  for (size_t i = 16; i < 80; ++i) words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  for (size_t i = 0; i < 80; ++i) {
    uint32_t mixed = (b ^ c ^ d) + (i < 40 ? 0x6ed9eba1u : 0xca62c1d6u);
    if (i < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999u;
    if (i >= 40 && i < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
    const uint32_t next = rotate(a, 5) + mixed + e + words[i];
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = next;
  }
  hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d, hash[4] += e;
}

/* Of a text that leaves room for its end in two blocks. */
static void sha1(const char *text, size_t length, uint8_t digest[20]) {
  uint32_t hash[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
  uint8_t blocks[128] = {0};
  const size_t end = length + 9 > 64 ? 128 : 64;
  memcpy(blocks, text, length);
  blocks[length] = 0x80;
  blocks[end - 2] = (uint8_t)(length * 8 >> 8);
  blocks[end - 1] = (uint8_t)(length * 8);
  for (size_t at = 0; at < end; at += 64) add_block(hash, blocks + at);
  for (size_t i = 0; i < 20; ++i) digest[i] = (uint8_t)(hash[i / 4] >> 8 * (3 - i % 4));
}

static void encode(const uint8_t *bytes, size_t count, char *text) {
  for (size_t i = 0; i < count; i += 3) {
    const uint32_t group = (uint32_t)bytes[i] << 16 | (i + 1 < count ? (uint32_t)bytes[i + 1] << 8 : 0) |
                           (i + 2 < count ? bytes[i + 2] : 0);
    *text++ = digits[group >> 18];
    *text++ = digits[group >> 12 & 63];
    *text++ = i + 1 < count ? digits[group >> 6 & 63] : '=';
    *text++ = i + 2 < count ? digits[group & 63] : '=';
  }
}

void or_ws_make_key(const uint8_t random[16], char key[OR_WS_KEY_BYTES]) { encode(random, 16, key); }

bool or_ws_accept_key(const char *key, size_t length, char accept[OR_WS_ACCEPT_BYTES]) {
  static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 section 1.3 */
  char joined[OR_WS_KEY_BYTES + sizeof magic];
  uint8_t digest[20];
  if (key == NULL || length != OR_WS_KEY_BYTES || key[22] != '=' || key[23] != '=') return false;
  for (size_t i = 0; i < 22; ++i) {
    if (key[i] == '\0' || strchr(digits, key[i]) == NULL) return false;
  }
  memcpy(joined, key, OR_WS_KEY_BYTES);
  memcpy(joined + OR_WS_KEY_BYTES, magic, sizeof magic);
  sha1(joined, sizeof joined - 1, digest);
  encode(digest, sizeof digest, accept);
  accept[OR_WS_ACCEPT_BYTES - 1] = '\0';
  return true;
}
