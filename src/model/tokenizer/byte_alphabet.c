#include "model/tokenizer/byte_alphabet.h"

#include "base/unicode.h"

static bool stands_for_itself(uint32_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

/* The others: 0 to 32, 127 to 160, 173. */
static uint32_t other_character(uint32_t byte) {
  return 0x100 + (byte <= 32 ? byte : byte <= 160 ? byte - 127 + 33 : 67);
}

size_t or_byte_alphabet_write(or_tokenizer_text_t bytes, char *out) {
  size_t at = 0;
  for (size_t i = 0; i < bytes.length; ++i) {
    uint32_t byte = (unsigned char)bytes.bytes[i];
    char character[4];
    size_t width = or_unicode_write(stands_for_itself(byte) ? byte : other_character(byte), character);
    for (size_t k = 0; k < width; ++k) out[at++] = character[k];
  }
  return at;
}

int or_byte_alphabet_byte(uint32_t code) {
  if (code < 0x100) return stands_for_itself(code) ? (int)code : -1;
  uint32_t place = code - 0x100;
  if (place <= 32) return (int)place;
  if (place <= 66) return (int)(place - 33 + 127);
  return place == 67 ? 173 : -1;
}
