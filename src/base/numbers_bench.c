/* Numbers as JSON text, in and out, against loops over strtof and snprintf: 150,528 floats, the pixels of a 224 x 224
 * picture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/numbers.h"

#define COUNT 150528
#define ROUNDS 21

static float values[COUNT], read_back[COUNT];
static char reference[COUNT * 24];

static int compare_times(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static bool same_bits(const void *a, const void *b, size_t bytes) { return memcmp(a, b, bytes) == 0; }

static double median_ns(int64_t *times) {
  qsort(times, ROUNDS, sizeof times[0], compare_times);
  const size_t middle = ROUNDS / 2;
  return (double)times[middle] / COUNT;
}

static int64_t write_ours(or_text_t *text) {
  or_json_writer_t json;
  int64_t start = or_clock_ns();
  or_text_clear(text);
  or_json_begin(&json, text, 0);
  or_json_numbers(&json, OR_FLOAT32, values, COUNT);
  or_status_ignore(or_json_finish(&json)); /* what was written is compared below */
  return or_clock_ns() - start;
}

static int64_t write_snprintf(void) {
  int64_t start = or_clock_ns();
  char *at = reference;
  *at++ = '[';
  for (size_t i = 0; i < COUNT; ++i) at += snprintf(at, 24, i > 0 ? ",%.9g" : "%.9g", (double)values[i]);
  *at++ = ']';
  *at = '\0';
  return or_clock_ns() - start;
}

static int64_t read_ours(const char *text) {
  const char *cursor = text;
  int64_t start = or_clock_ns();
  or_status_ignore(
      or_number_scan_array(&cursor, text + strlen(text), OR_FLOAT32, read_back, COUNT)); /* compared below */
  return or_clock_ns() - start;
}

static int64_t read_strtof(char *text) {
  int64_t start = or_clock_ns();
  char *at = text;
  for (size_t i = 0; i < COUNT; ++i) read_back[i] = strtof(at + 1, &at);
  return or_clock_ns() - start;
}

static void measure(const char *name) {
  int64_t times[4][ROUNDS];
  or_text_t text;
  bool same = true;
  or_text_init(&text, or_allocator_system());
  for (size_t round = 0; round < ROUNDS; ++round) {
    times[0][round] = write_ours(&text);
    times[1][round] = write_snprintf();
    times[2][round] = read_ours(or_text_string(&text));
    same = same && same_bits(values, read_back, sizeof values);
    times[3][round] = read_strtof(text.data);
    same = same && same_bits(values, read_back, sizeof values);
  }
  double write = median_ns(times[0]), printed = median_ns(times[1]), read = median_ns(times[2]),
         scanned = median_ns(times[3]);
  (void)printf(
      "%-22s write %5.1f ns, snprintf %6.1f ns: %5.1fx   read %5.1f ns, strtof %6.1f ns: %5.1fx   %s, %zu bytes\n",
      name, write, printed, printed / write, read, scanned, scanned / read, same ? "exact" : "WRONG", text.length);
  or_text_deinit(&text);
}

int main(void) {
  or_random_t random = {1};
  or_random_fill(&random, OR_FLOAT32, values, COUNT);
  measure("uniform in [-1, 1)");
  for (size_t i = 0; i < COUNT; ++i) values[i] = (float)(or_random_next(&random) % 256) / 255.0F;
  measure("pixels / 255");
  for (size_t i = 0; i < COUNT; ++i) values[i] = (float)(or_random_next(&random) % 256);
  measure("whole numbers");
  for (size_t i = 0; i < COUNT; ++i) {
    uint32_t bits = (uint32_t)or_random_next(&random);
    if ((bits >> 23 & 0xFF) == 0xFF) bits ^= 1U << 30;
    memcpy(&values[i], &bits, sizeof bits);
  }
  measure("any bits");
  return 0;
}
