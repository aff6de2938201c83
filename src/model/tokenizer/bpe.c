#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "base/unicode.h"
#include "model/tokenizer/byte_alphabet.h"
#include "model/tokenizer/words.h"

#define NONE UINT32_MAX
#define MAX_PROBES ((size_t)4096) /* as of the vocabulary: beyond, the pairs were chosen to collide */

static size_t place(const or_bpe_t *model, uint64_t pair) {
  uint64_t hash = (pair ^ model->seed) * UINT64_C(0x9E3779B97F4A7C15);
  return (size_t)((hash ^ hash >> 31) * UINT64_C(0xD6E8FEB86659FD93) >> 32) & model->slot_mask;
}

static const or_merge_t *find(const or_bpe_t *model, uint32_t left, uint32_t right) {
  uint64_t pair = (uint64_t)left << 32 | right;
  for (size_t i = place(model, pair);; i = (i + 1) & model->slot_mask) {
    if (model->slots[i].pair == pair) return &model->slots[i];
    if (model->slots[i].pair == OR_NO_PAIR) return NULL;
  }
}

or_status_t or_bpe_init(or_bpe_t *model, or_arena_t *arena, size_t merge_count) {
  size_t slot_count = 16;
  void *slots = NULL;
  while (slot_count < merge_count * 2) slot_count *= 2;
  or_status_t status = or_arena_array(arena, slot_count, sizeof model->slots[0], &slots);
  if (!or_ok(status)) return status;
  model->slots = slots;
  model->slot_mask = slot_count - 1;
  uint64_t entropy[2] = {(uint64_t)(uintptr_t)slots, (uint64_t)or_clock_ns()};
  model->seed = or_hash_bytes(entropy, sizeof entropy, 0);
  for (size_t i = 0; i < slot_count; ++i) model->slots[i].pair = OR_NO_PAIR;
  return status;
}

or_status_t or_bpe_add(or_bpe_t *model, uint32_t left, uint32_t right, uint32_t rank, uint32_t id) {
  uint64_t pair = (uint64_t)left << 32 | right;
  size_t i = place(model, pair), probes = 0;
  for (; model->slots[i].pair != OR_NO_PAIR && model->slots[i].pair != pair; i = (i + 1) & model->slot_mask) {
    if (++probes > MAX_PROBES)
      return or_error(OR_INVALID_ARGUMENT, "more than %zu merges collide in the table", MAX_PROBES);
  }
  if (model->slots[i].pair != pair) ++model->merge_count;
  model->slots[i] = (or_merge_t){pair, rank, id};
  return or_status_success();
}

void or_bpe_work_deinit(or_bpe_work_t *work) {
  or_free(work->allocator, work->symbols);
  or_free(work->allocator, work->heap);
  or_free(work->allocator, work->text);
}

/* The word in GPT-2's alphabet, as the vocabulary writes it. */
static or_status_t spell(or_bpe_work_t *work, or_tokenizer_text_t word, or_tokenizer_text_t *out) {
  void *memory = work->text;
  or_status_t status = or_grow_array(work->allocator, word.length * 2 + 1, 1, &memory, &work->text_capacity);
  work->text = memory;
  if (!or_ok(status)) return status;
  *out = (or_tokenizer_text_t){work->text, or_byte_alphabet_write(word, work->text)};
  return status;
}

static void put_symbol(or_bpe_work_t *work, uint32_t id, size_t begin, size_t end) {
  uint32_t index = (uint32_t)work->symbol_count++;
  work->symbols[index] = (or_bpe_symbol_t){id, (uint32_t)begin, (uint32_t)end, index > 0 ? index - 1 : NONE, NONE};
  if (index > 0) work->symbols[index - 1].next = index;
}

/* One symbol a character, or a byte of a byte-level word. */
static void begin_symbols(const or_bpe_t *model, const or_vocabulary_t *vocabulary, or_bpe_work_t *work,
                          or_tokenizer_text_t word) {
  size_t width = 1;
  bool after_unknown = false;
  work->symbol_count = 0;
  for (size_t at = 0; at < word.length; at += width) {
    if (!model->byte_level) width = or_unicode_width(word.bytes[at]);
    uint32_t id = model->byte_level ? model->bytes[(unsigned char)word.bytes[at]]
                                    : or_vocabulary_find(vocabulary, word.bytes + at, width);
    bool unknown = id == OR_NO_TOKEN;
    if (unknown && after_unknown && model->fuse_unknown) {
      work->symbols[work->symbol_count - 1].end = (uint32_t)(at + width);
    } else if (!unknown || model->unknown != OR_NO_TOKEN) {
      put_symbol(work, unknown ? model->unknown : id, at, at + width);
    }
    after_unknown = unknown && model->unknown != OR_NO_TOKEN;
  }
}

static void heap_push(or_bpe_work_t *work, uint64_t entry) {
  size_t i = work->heap_count++;
  for (; i > 0 && work->heap[(i - 1) / 2] > entry; i = (i - 1) / 2) work->heap[i] = work->heap[(i - 1) / 2];
  work->heap[i] = entry;
}

static uint64_t heap_pop(or_bpe_work_t *work) {
  uint64_t top = work->heap[0], last = work->heap[--work->heap_count];
  size_t i = 0, child = 1;
  for (; child < work->heap_count; i = child, child = 2 * i + 1) {
    if (child + 1 < work->heap_count && work->heap[child + 1] < work->heap[child]) ++child;
    if (work->heap[child] >= last) break;
    work->heap[i] = work->heap[child];
  }
  work->heap[i] = last;
  return top;
}

static void offer(const or_bpe_t *model, or_bpe_work_t *work, uint32_t left) {
  uint32_t right = left != NONE ? work->symbols[left].next : NONE;
  if (right == NONE) return;
  const or_merge_t *merge = find(model, work->symbols[left].id, work->symbols[right].id);
  if (merge != NULL) heap_push(work, (uint64_t)merge->rank << 32 | left);
}

/* Each merge takes one symbol and offers two pairs, so that 3 entries a symbol are enough. An entry whose pair is
 * gone is passed over: its rank is no longer that of what stands there. */
static or_status_t merge_all(const or_bpe_t *model, or_bpe_work_t *work) {
  void *memory = work->heap;
  or_status_t status =
      or_grow_array(work->allocator, work->symbol_count * 3 + 1, sizeof work->heap[0], &memory, &work->heap_capacity);
  work->heap = memory;
  if (!or_ok(status)) return status;
  work->heap_count = 0;
  for (uint32_t i = 0; i < work->symbol_count; ++i) offer(model, work, i);
  while (work->heap_count > 0) {
    uint64_t top = heap_pop(work);
    uint32_t index = (uint32_t)top;
    or_bpe_symbol_t *left = &work->symbols[index];
    if (left->id == OR_NO_TOKEN || left->next == NONE) continue;
    or_bpe_symbol_t *right = &work->symbols[left->next];
    const or_merge_t *merge = find(model, left->id, right->id);
    if (merge == NULL || merge->rank != top >> 32) continue;
    left->id = merge->id;
    left->end = right->end;
    left->next = right->next;
    right->id = OR_NO_TOKEN;
    if (left->next != NONE) work->symbols[left->next].previous = index;
    offer(model, work, left->previous);
    offer(model, work, index);
  }
  return status;
}

or_status_t or_bpe_cut(const or_bpe_t *model, const or_vocabulary_t *vocabulary, or_bpe_work_t *work,
                       or_tokenizer_text_t word, or_parts_t *out) {
  or_status_t status = or_status_success();
  if (model->ignore_merges) {
    or_tokenizer_text_t spelled = word;
    if (model->byte_level) status = spell(work, word, &spelled);
    if (!or_ok(status)) return status;
    uint32_t id = or_vocabulary_find(vocabulary, spelled.bytes, spelled.length);
    if (id != OR_NO_TOKEN) return or_parts_put(out, (or_part_t){id, 0, (uint32_t)word.length});
  }
  void *memory = work->symbols;
  status = or_grow_array(work->allocator, word.length + 1, sizeof work->symbols[0], &memory, &work->symbol_capacity);
  work->symbols = memory;
  if (!or_ok(status)) return status;
  begin_symbols(model, vocabulary, work, word);
  status = merge_all(model, work);
  for (uint32_t i = work->symbol_count > 0 ? 0 : NONE; or_ok(status) && i != NONE; i = work->symbols[i].next)
    status = or_parts_put(out, (or_part_t){work->symbols[i].id, work->symbols[i].begin, work->symbols[i].end});
  return status;
}
