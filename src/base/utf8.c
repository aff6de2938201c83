#include <string.h>

#include "base/string.h"

/* Bytes of the UTF-8 character at `bytes`, 0 if there is no valid one. Table 3-7 of the Unicode standard: no overlong
 * forms, no surrogates, nothing beyond U+10FFFF. */
size_t or_utf8_character(const char *bytes, size_t length) {
  const unsigned char *b = (const unsigned char *)bytes;
  if (length == 0) return 0;
  if (b[0] < 0x80) return 1;
  if (b[0] < 0xC2 || b[0] > 0xF4) return 0;
  size_t count = b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : 4;
  if (length < count) return 0;
  unsigned char low = b[0] == 0xE0 ? 0xA0 : b[0] == 0xF0 ? 0x90 : 0x80;
  unsigned char high = b[0] == 0xED ? 0x9F : b[0] == 0xF4 ? 0x8F : 0xBF;
  if (b[1] < low || b[1] > high) return 0;
  for (size_t i = 2; i < count; ++i) {
    if (b[i] < 0x80 || b[i] > 0xBF) return 0;
  }
  return count;
}

bool or_utf8_valid(const char *bytes, size_t length) {
  size_t at = 0;
  while (at < length) {
    uint64_t eight = 0;
    while (length - at >= sizeof eight) { /* runs of ASCII, eight at a time */
      memcpy(&eight, bytes + at, sizeof eight);
      if ((eight & UINT64_C(0x8080808080808080)) != 0) break;
      at += sizeof eight;
    }
    if (at == length) break;
    size_t count = or_utf8_character(bytes + at, length - at);
    if (count == 0) return false;
    at += count;
  }
  return true;
}

void or_utf8_repair(char *text, size_t length, bool cut) {
  if (or_utf8_valid(text, length)) return;
  for (size_t at = 0; at < length;) {
    size_t count = or_utf8_character(text + at, length - at);
    if (count == 0 && cut && length - at < 4) { /* perhaps the first bytes of a character that found no room */
      text[at] = '\0';
      return;
    }
    if (count == 0) text[at] = '?';
    at += count > 0 ? count : 1;
  }
}
