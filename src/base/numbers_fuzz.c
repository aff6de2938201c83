/* The number scanner against strtod, rows of numbers, and number arrays of every dtype. Input: dtype, count, text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/numbers.h"
#include "base/numbers_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COUNT_LIMIT 256

static bool same_bits(const void *a, const void *b, size_t bytes) { return memcmp(a, b, bytes) == 0; }

static void check_number(const char *text, const char *end) {
  or_scanned_t scanned;
  const char *cursor = text;
  if (!or_scan_decimal(&cursor, end, &scanned)) return;
  char *copy = malloc((size_t)(cursor - text) + 1);
  if (copy == NULL) return;
  memcpy(copy, text, (size_t)(cursor - text));
  copy[cursor - text] = '\0';
  double expected = strtod(copy, NULL), value = or_scanned_double(&scanned);
  float expected_single = strtof(copy, NULL), single = or_scanned_float(&scanned);
  if (!same_bits(&value, &expected, sizeof value) || !same_bits(&single, &expected_single, sizeof single))
    __builtin_trap();
  free(copy);
  if (!isfinite(value)) return;
  char written[32];
  const char *again = written;
  size_t length = or_number_write_double(value, written);
  if (!or_scan_decimal(&again, written + length, &scanned) || again != written + length) __builtin_trap();
  double second = or_scanned_double(&scanned);
  if (!same_bits(&value, &second, sizeof value)) __builtin_trap();
}

static void check_array(or_dtype_t dtype, size_t count, const char *text, const char *end) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(or_allocator_system(), or_dtype_bytes(dtype, count), &memory);
  const char *cursor = text;
  if (or_ok(status)) status = or_number_scan_array(&cursor, end, dtype, memory, count);
  if (or_ok(status) ? cursor <= text || cursor > end : cursor != text) __builtin_trap();
  or_status_ignore(status); /* most inputs are no arrays */
  or_free(or_allocator_system(), memory);
}

/* Rows by the quick way, beside each number alone. */
static void check_row(const char *text, const char *end) {
  size_t count = 0;
  void *singles = NULL, *doubles = NULL;
  const char *at = text, *behind = text;
  if (!or_skip_numbers(&at, end, OR_MAX_RANK, &count)) return;
  end = at;
  or_status_t status = or_alloc_array(or_allocator_system(), count, sizeof(float), &singles);
  if (or_ok(status)) status = or_alloc_array(or_allocator_system(), count, sizeof(double), &doubles);
  if (or_ok(status) && or_number_fill(&behind, end, OR_FLOAT32, singles, count) != count) __builtin_trap();
  at = text;
  if (or_ok(status) && or_number_fill(&at, end, OR_FLOAT64, doubles, count) != count) __builtin_trap();
  if (or_ok(status) && (at != end || behind != end)) __builtin_trap();
  at = text;
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    or_scanned_t scanned;
    while (strchr("[], \t\r\n", *at) != NULL) ++at;
    if (!or_scan_decimal(&at, end, &scanned)) __builtin_trap();
    float single = or_scanned_float(&scanned);
    double value = or_scanned_double(&scanned);
    if (!same_bits(&single, (float *)singles + i, sizeof single)) __builtin_trap();
    if (!same_bits(&value, (double *)doubles + i, sizeof value)) __builtin_trap();
  }
  or_status_ignore(status); /* no memory: not looked at */
  or_free(or_allocator_system(), singles);
  or_free(or_allocator_system(), doubles);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  const char *text = (const char *)data + 2, *end = (const char *)data + size;
  check_number(text, end);
  check_row(text, end);
  check_array((or_dtype_t)(1 + data[0] % (OR_DTYPE_COUNT - 1)), data[1] % COUNT_LIMIT, text, end);
  uint64_t integer = 0;
  bool negative = false;
  const char *cursor = text;
  or_status_ignore(or_number_scan_integer(&cursor, end, &integer, &negative)); /* most inputs are no integers */
  if (cursor < text || cursor > end || or_status_live_count() != 0) __builtin_trap();
  return 0;
}
