#include "runtime/program/alive.h"

#include "base/alloc.h"
#include "openruntime/buffer.h"

#define FIRST_CAPACITY ((size_t)64)

static size_t start_of(const or_alive_t *alive, const void *key) {
  /* By the golden ratio, whose upper half has every bit of the address. */
  return (size_t)((uint64_t)(uintptr_t)key * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (alive->capacity - 1);
}

/* The key's row, or the free one where it belongs. There is a free one. */
static or_alive_row_t *find(const or_alive_t *alive, const void *key) {
  size_t at = start_of(alive, key);
  while (alive->rows[at].key != NULL && alive->rows[at].key != key) at = (at + 1) & (alive->capacity - 1);
  return &alive->rows[at];
}

/* Room for `more` rows, a third of all free after that. */
static or_status_t reserve(or_alive_t *alive, size_t more) {
  size_t needed = 0, capacity = alive->capacity > 0 ? alive->capacity : FIRST_CAPACITY;
  void *memory = NULL;
  if (!or_add_size(alive->count, more, &needed) || needed > SIZE_MAX / 4)
    return or_error(OR_RESOURCE_EXHAUSTED, "%zu values more than the %zu that are counted", more, alive->count);
  while (capacity / 3 * 2 < needed) capacity *= 2;
  if (capacity == alive->capacity) return or_status_success();
  or_status_t status = or_alloc_array(alive->allocator, capacity, sizeof *alive->rows, &memory);
  if (!or_ok(status)) return status;
  or_alive_t grown = *alive;
  grown.rows = memory;
  grown.capacity = capacity;
  for (size_t i = 0; i < alive->capacity; ++i) {
    if (alive->rows[i].key != NULL) *find(&grown, alive->rows[i].key) = alive->rows[i];
  }
  or_free(alive->allocator, alive->rows);
  *alive = grown;
  return status;
}

/* True if the key is new. */
static bool insert(or_alive_t *alive, const void *key, uint64_t bytes) {
  or_alive_row_t *row = find(alive, key);
  if (row->key != NULL) {
    ++row->uses;
    return false;
  }
  *row = (or_alive_row_t){.key = key, .uses = 1, .bytes = bytes};
  ++alive->count;
  alive->expansion.alive += bytes;
  return true;
}

/* True if that was the last use. Rows behind it move up, so that none is cut off from where it is looked for. */
static bool take_out(or_alive_t *alive, const void *key) {
  or_alive_row_t *row = alive->capacity > 0 ? find(alive, key) : NULL;
  if (row == NULL || row->key == NULL || --row->uses > 0) return false;
  alive->expansion.alive -= row->bytes;
  --alive->count;
  size_t hole = (size_t)(row - alive->rows);
  const size_t mask = alive->capacity - 1;
  for (size_t at = (hole + 1) & mask; alive->rows[at].key != NULL; at = (at + 1) & mask) {
    if (((at - start_of(alive, alive->rows[at].key)) & mask) < ((at - hole) & mask)) continue;
    alive->rows[hole] = alive->rows[at];
    hole = at;
  }
  alive->rows[hole] = (or_alive_row_t){.key = NULL};
  return true;
}

static uint64_t text_bytes(const or_tensor_t *tensor) {
  const or_string_t *strings = or_tensor_dtype(tensor) == OR_STRING ? or_tensor_data(tensor) : NULL;
  uint64_t bytes = 0;
  for (uint64_t i = 0; strings != NULL && i < or_tensor_count(tensor); ++i) bytes += strings[i].length;
  return bytes;
}

/* Values in it, itself included, twice: each may have a buffer. Two levels: a sequence in an optional. */
static size_t rows_of(const or_value_t *value) {
  size_t rows = 2;
  for (size_t i = 0; or_value_kind(value) != OR_VALUE_TENSOR && i < or_value_count(value); ++i)
    rows += rows_of(or_value_element(value, i));
  return rows;
}

static void add(or_alive_t *alive, const or_value_t *value, bool of_caller) {
  const bool tensor = or_value_kind(value) == OR_VALUE_TENSOR;
  const size_t count = tensor ? 0 : or_value_count(value);
  if (!insert(alive, value, OR_ALIVE_VALUE_BYTES + sizeof(void *) * count)) return;
  for (size_t i = 0; i < count; ++i) add(alive, or_value_element(value, i), of_caller);
  if (!tensor) return;
  const or_tensor_t *content = or_value_tensor(value);
  const or_buffer_t *buffer = or_tensor_buffer(content);
  const uint64_t bytes = of_caller ? or_tensor_bytes(content) : or_buffer_bytes(buffer);
  (void)insert(alive, buffer, bytes + text_bytes(content));
}

or_status_t or_alive_add(or_alive_t *alive, const or_value_t *value) {
  if (value == NULL) return or_status_success();
  or_status_t status = reserve(alive, rows_of(value));
  if (or_ok(status)) add(alive, value, false);
  return status;
}

or_status_t or_alive_add_input(or_alive_t *alive, const or_value_t *value) {
  const uint64_t before = alive->expansion.alive;
  if (value == NULL) return or_status_success();
  or_status_t status = reserve(alive, rows_of(value));
  if (or_ok(status)) add(alive, value, true);
  alive->expansion.input_bytes += alive->expansion.alive - before;
  return status;
}

void or_alive_remove(or_alive_t *alive, const or_value_t *value) {
  if (value == NULL || !take_out(alive, value)) return;
  if (or_value_kind(value) == OR_VALUE_TENSOR) {
    (void)take_out(alive, or_tensor_buffer(or_value_tensor(value)));
    return;
  }
  for (size_t i = 0; i < or_value_count(value); ++i) or_alive_remove(alive, or_value_element(value, i));
}

void or_alive_deinit(or_alive_t *alive) {
  or_free(alive->allocator, alive->rows);
  alive->rows = NULL;
  alive->capacity = alive->count = 0;
}
