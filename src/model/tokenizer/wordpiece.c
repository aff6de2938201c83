#include "base/unicode.h"
#include "model/tokenizer/words.h"

void or_parts_deinit(or_parts_t *parts) { or_free(parts->allocator, parts->parts); }

or_status_t or_parts_put(or_parts_t *parts, or_part_t part) {
  if (parts->count == parts->capacity) {
    void *memory = parts->parts;
    or_status_t status = or_grow_array(parts->allocator, parts->count + 1, sizeof part, &memory, &parts->capacity);
    parts->parts = memory;
    if (!or_ok(status)) return status;
  }
  parts->parts[parts->count++] = part;
  return or_status_success();
}

static bool is_longer(or_tokenizer_text_t word, size_t characters) {
  size_t count = 0;
  if (word.length <= characters) return false;
  for (size_t i = 0; i < word.length; ++i) count += ((unsigned char)word.bytes[i] & 0xC0) != 0x80;
  return count > characters;
}

#define STEP_BYTES ((size_t)256) /* beginnings whose hashes are at hand */

/* The longest token prefix + word[begin, *end); OR_NO_TOKEN if there is none. Hashes of the beginnings grow byte by
 * byte; they are kept for a window at a time and the longest is tried first. */
static uint32_t longest(const or_vocabulary_t *vocabulary, or_tokenizer_text_t prefix, or_tokenizer_text_t word,
                        size_t begin, size_t *end) {
  uint64_t hashes[STEP_BYTES], hash = or_vocabulary_hash(vocabulary->seed, prefix.bytes, prefix.length);
  size_t most = word.length - begin, at = 0;
  uint32_t found = OR_NO_TOKEN;
  if (vocabulary->longest_bytes < prefix.length) return found;
  if (most > vocabulary->longest_bytes - prefix.length) most = vocabulary->longest_bytes - prefix.length;
  const char *bytes = word.bytes + begin;
  while (at < most) {
    size_t first = at, stop = most - at < STEP_BYTES ? most : at + STEP_BYTES;
    for (; at < stop; ++at) hashes[at - first] = hash = or_vocabulary_hash(hash, bytes + at, 1);
    for (size_t i = stop; i > first; --i) {
      if (begin + i < word.length && ((unsigned char)bytes[i] & 0xC0) == 0x80) continue; /* inside a character */
      uint32_t id = or_vocabulary_match(vocabulary, hashes[i - 1 - first], prefix, bytes, i);
      if (id == OR_NO_TOKEN) continue;
      found = id;
      *end = begin + i;
      break;
    }
  }
  return found;
}

or_status_t or_wordpiece_cut(const or_wordpiece_t *model, const or_vocabulary_t *vocabulary, or_tokenizer_text_t word,
                             or_parts_t *out) {
  or_status_t status = or_status_success();
  size_t first = out->count, begin = 0, end = 0;
  bool unknown = is_longer(word, model->word_limit);
  while (or_ok(status) && !unknown && begin < word.length) {
    or_tokenizer_text_t prefix = begin > 0 ? model->prefix : (or_tokenizer_text_t){"", 0};
    uint32_t id = longest(vocabulary, prefix, word, begin, &end);
    unknown = id == OR_NO_TOKEN;
    if (!unknown) status = or_parts_put(out, (or_part_t){id, (uint32_t)begin, (uint32_t)end});
    begin = end;
  }
  if (or_ok(status) && unknown) {
    out->count = first;
    status = or_parts_put(out, (or_part_t){model->unknown, 0, (uint32_t)word.length});
  }
  return status;
}
