/* Sets of code points, as sorted ranges. */
#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"
#include "ops/regex_internal.h"
#include "ops/strings.h"

void or_code_set_deinit(or_code_set_t *self) { or_free(self->allocator, self->ranges); }

or_status_t or_code_set_add(or_code_set_t *self, uint32_t low, uint32_t high) {
  if (self->count >= OR_REGEX_MAX_RANGES)
    return or_error(OR_RESOURCE_EXHAUSTED, "its classes have more than %zu ranges, the limit", OR_REGEX_MAX_RANGES);
  or_status_t status =
      or_grow_array(self->allocator, self->count + 1, sizeof *self->ranges, (void **)&self->ranges, &self->capacity);
  if (or_ok(status)) self->ranges[self->count++] = (or_code_range_t){low, high};
  return status;
}

or_status_t or_code_set_add_all(or_code_set_t *self, const or_code_set_t *other) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < other->count; ++i)
    status = or_code_set_add(self, other->ranges[i].low, other->ranges[i].high);
  return status;
}

static int by_low(const void *a, const void *b) {
  const or_code_range_t *x = a, *y = b;
  return (x->low > y->low) - (x->low < y->low);
}

void or_code_set_normalize(or_code_set_t *self) {
  if (self->count == 0) return;
  qsort(self->ranges, self->count, sizeof *self->ranges, by_low);
  size_t kept = 0;
  for (size_t i = 1; i < self->count; ++i) {
    or_code_range_t *last = &self->ranges[kept], next = self->ranges[i];
    if (next.low > last->high && next.low - last->high > 1) {
      self->ranges[++kept] = next;
    } else if (next.high > last->high) {
      last->high = next.high;
    }
  }
  self->count = kept + 1;
}

bool or_code_ranges_have(const or_code_range_t *ranges, size_t count, uint32_t code) {
  size_t low = 0, high = count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (code < ranges[middle].low) {
      high = middle;
    } else if (code > ranges[middle].high) {
      low = middle + 1;
    } else {
      return true;
    }
  }
  return false;
}

/* ---- case ---- */

#define CASED_END 0x1F000u /* no character from here on has another case */
#define DOTTED_I 0x130u    /* i's upper case and I's lower case in Turkic languages only */
#define DOTLESS_I 0x131u

static uint32_t folded(uint32_t code) {
  if (code == DOTTED_I || code == DOTLESS_I) return code;
  const uint32_t upper = (uint32_t)((int64_t)code + or_unicode_record(code)->upper);
  return (uint32_t)((int64_t)upper + or_unicode_record(upper)->lower);
}

static int by_folded(const void *a, const void *b) {
  const or_code_case_t *x = a, *y = b;
  return (x->folded > y->folded) - (x->folded < y->folded);
}

static or_status_t make_cases(or_code_cases_t *self) {
  or_status_t status = or_status_success();
  for (uint32_t code = 0; or_ok(status) && code < CASED_END; ++code) {
    const or_unicode_record_t *record = or_unicode_record(code);
    if (record->lower == 0 && record->upper == 0) continue;
    status =
        or_grow_array(self->allocator, self->count + 1, sizeof *self->pairs, (void **)&self->pairs, &self->capacity);
    if (or_ok(status)) self->pairs[self->count++] = (or_code_case_t){folded(code), code};
  }
  if (or_ok(status)) qsort(self->pairs, self->count, sizeof *self->pairs, by_folded);
  return status;
}

void or_code_cases_deinit(or_code_cases_t *self) { or_free(self->allocator, self->pairs); }

/* Of one character only its own group is looked at. */
static size_t first_of(const or_code_cases_t *cases, uint32_t wanted) {
  size_t low = 0, high = cases->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (cases->pairs[middle].folded < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

or_status_t or_code_set_fold(or_code_set_t *self, or_code_cases_t *cases) {
  or_status_t status = or_status_success();
  if (cases->count == 0) status = make_cases(cases);
  or_code_set_normalize(self);
  const size_t own = self->count;
  const bool single = own == 1 && self->ranges[0].low == self->ranges[0].high;
  const uint32_t wanted = single ? folded(self->ranges[0].low) : 0;
  for (size_t i = single ? first_of(cases, wanted) : 0, end = 0; or_ok(status) && i < cases->count; i = end) {
    bool has = false;
    for (end = i; end < cases->count && cases->pairs[end].folded == cases->pairs[i].folded; ++end)
      has = has || or_code_ranges_have(self->ranges, own, cases->pairs[end].code);
    for (size_t k = i; or_ok(status) && has && k < end; ++k)
      status = or_code_set_add(self, cases->pairs[k].code, cases->pairs[k].code);
    if (single) break;
  }
  or_code_set_normalize(self);
  return status;
}

or_status_t or_code_set_negate(or_code_set_t *self) {
  or_code_set_t out = {.allocator = self->allocator};
  or_status_t status = or_status_success();
  uint32_t next = 0;
  for (size_t i = 0; or_ok(status) && i < self->count; ++i) {
    if (self->ranges[i].low > next) status = or_code_set_add(&out, next, self->ranges[i].low - 1);
    next = self->ranges[i].high + 1;
  }
  if (or_ok(status) && next <= OR_REGEX_LAST) status = or_code_set_add(&out, next, OR_REGEX_LAST);
  or_code_set_deinit(self);
  *self = out;
  return status;
}

/* ---- classes with names ---- */

static const struct {
  const char *name;
  uint8_t ranges[4][2]; /* {0, 0} ends */
} posix[] = {
    {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
    {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
    {"ascii", {{0, 0x7F}}},
    {"blank", {{'\t', '\t'}, {' ', ' '}}},
    {"cntrl", {{0, 0x1F}, {0x7F, 0x7F}}},
    {"digit", {{'0', '9'}}},
    {"graph", {{'!', '~'}}},
    {"lower", {{'a', 'z'}}},
    {"print", {{' ', '~'}}},
    {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
    {"space", {{'\t', '\r'}, {' ', ' '}}},
    {"upper", {{'A', 'Z'}}},
    {"word", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}}},
    {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
};

static bool is_name(or_string_t name, const char *expected) {
  return name.length == strlen(expected) && memcmp(name.data, expected, name.length) == 0;
}

or_status_t or_code_set_add_posix(or_code_set_t *self, or_string_t name, bool *known) {
  or_status_t status = or_status_success();
  *known = false;
  for (size_t i = 0; i < sizeof posix / sizeof *posix; ++i) {
    if (!is_name(name, posix[i].name)) continue;
    *known = true;
    for (size_t r = 0; or_ok(status) && r < 4 && posix[i].ranges[r][1] != 0; ++r)
      status = or_code_set_add(self, posix[i].ranges[r][0], posix[i].ranges[r][1]);
  }
  return status;
}

or_status_t or_code_set_add_perl(or_code_set_t *self, char name) {
  bool known = false;
  if (name == 'd') return or_code_set_add_posix(self, (or_string_t){"digit", 5}, &known);
  if (name == 'w') return or_code_set_add_posix(self, (or_string_t){"word", 4}, &known);
  or_status_t status = or_code_set_add(self, '\t', '\n'); /* unlike [[:space:]] without \v */
  if (or_ok(status)) status = or_code_set_add(self, '\f', '\r');
  return or_ok(status) ? or_code_set_add(self, ' ', ' ') : status;
}

/* The bit of a general category, or the bits of all that begin with a letter; 0 if there is none of that name. */
static uint32_t category_bits(or_string_t name) {
  static const char categories[] = "LuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSkSoZsZlZpCcCfCsCo";
  uint32_t bits = 0;
  for (size_t i = 0; categories[2 * i] != '\0'; ++i) {
    const char *category = &categories[2 * i];
    if (name.length >= 1 && name.length <= 2 && memcmp(category, name.data, name.length) == 0) bits |= UINT32_C(1) << i;
  }
  return bits;
}

/* What is assigned lies in the first planes, in a tail, and in the two planes for private use. */
#define PLANES_END 0x32400u
#define TAIL 0xE0000u
#define TAIL_END 0xE0200u
#define PRIVATE_USE 0xF0000u
#define PRIVATE_USE_BIT (UINT32_C(1) << 28)

static or_status_t add_category(or_code_set_t *self, uint32_t bits, uint32_t first, uint32_t end) {
  or_status_t status = or_status_success();
  uint32_t start = first;
  bool inside = false;
  for (uint32_t code = first; or_ok(status) && code <= end; ++code) {
    const bool is = code < end && or_unicode_is(code, bits);
    if (is && !inside) start = code;
    if (!is && inside) status = or_code_set_add(self, start, code - 1);
    inside = is;
  }
  return status;
}

or_status_t or_code_set_add_category(or_code_set_t *self, or_string_t name, bool *known) {
  const uint32_t bits = category_bits(name);
  or_status_t status = or_status_success();
  *known = bits != 0;
  if (is_name(name, "Any")) {
    *known = true;
    return or_code_set_add(self, 0, OR_REGEX_LAST);
  }
  if (*known) status = add_category(self, bits, 0, PLANES_END);
  if (or_ok(status) && *known) status = add_category(self, bits, TAIL, TAIL_END);
  for (uint32_t plane = PRIVATE_USE; or_ok(status) && (bits & PRIVATE_USE_BIT) != 0 && plane < OR_REGEX_LAST;
       plane += 0x10000)
    status = or_code_set_add(self, plane, plane + 0xFFFD);
  return status;
}
