#ifndef OR_MODEL_TOKENIZER_BYTE_ALPHABET_H
#define OR_MODEL_TOKENIZER_BYTE_ALPHABET_H
/* GPT-2's alphabet: each byte has a character that can be seen, so that vocabularies of bytes are text. The printable
 * characters of Latin-1 stand for themselves, the other bytes in their order for U+0100 and on. */

#include "model/tokenizer/tokenizer.h"

/* Writes the characters of the bytes; returns how many bytes that took: at most two a byte. */
size_t or_byte_alphabet_write(or_tokenizer_text_t bytes, char *out);
/* The byte of a character, or -1. */
int or_byte_alphabet_byte(uint32_t code);

#endif
