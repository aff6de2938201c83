#include "model/nesting.h"

#include <string.h>

#define MAX_LEVELS (OR_MAX_RANK + 1) /* of arrays: the last may be pairs */

/* What is known after a part of the data, level by level from 1. */
typedef struct nesting_t {
  size_t counts[MAX_LEVELS + 1]; /* items so far of the array that is open at that level */
  int64_t dims[MAX_LEVELS + 1];  /* items of every array of that level; -1: none has ended */
  const or_json_value_t *open[MAX_LEVELS + 1];
  size_t level, deepest, leaf_level; /* leaf_level: of values; 0: there was none */
  bool even, too_deep;
} nesting_t;

static bool enter(nesting_t *nesting) {
  if (nesting->level == MAX_LEVELS) {
    nesting->too_deep = true;
    return false;
  }
  if (nesting->level > 0) ++nesting->counts[nesting->level];
  nesting->counts[++nesting->level] = 0;
  if (nesting->level > nesting->deepest) nesting->deepest = nesting->level;
  return true;
}

static void leave(nesting_t *nesting) {
  int64_t *dim = &nesting->dims[nesting->level];
  const int64_t count = (int64_t)nesting->counts[nesting->level--];
  if (*dim < 0) *dim = count;
  nesting->even = nesting->even && *dim == count;
}

static void add_value(nesting_t *nesting) {
  if (nesting->leaf_level == 0) nesting->leaf_level = nesting->level;
  nesting->even = nesting->even && nesting->leaf_level == nesting->level;
  ++nesting->counts[nesting->level];
}

/* An array that was kept as text: brackets, and numbers between them and commas. */
static bool walk_text(nesting_t *nesting, const char *at, const char *end) {
  bool in_number = false;
  for (; at < end; ++at) {
    const bool part = *at != '[' && *at != ']' && *at != ',' && *at != ' ' && *at != '\n' && *at != '\t' && *at != '\r';
    if (part && !in_number) add_value(nesting);
    in_number = part;
    if (*at == '[' && !enter(nesting)) return false;
    if (*at == ']') leave(nesting);
  }
  return true;
}

/* Each open array's next item is the one of its count. */
static void walk(nesting_t *nesting, const or_json_value_t *data) {
  if (!enter(nesting)) return;
  nesting->open[nesting->level] = data;
  while (nesting->level > 0) {
    const or_json_value_t *array = nesting->open[nesting->level];
    const size_t position = nesting->counts[nesting->level];
    if (position == or_json_count(array)) {
      leave(nesting);
      continue;
    }
    const or_json_value_t *item = or_json_at(array, position);
    size_t bytes = 0;
    if (or_json_kind(item) == OR_JSON_ARRAY) {
      if (!enter(nesting)) return;
      nesting->open[nesting->level] = item;
    } else if (or_json_kind(item) == OR_JSON_NUMBERS) {
      const char *text = or_json_numbers_text(item, &bytes);
      if (!walk_text(nesting, text, text + bytes)) return;
    } else {
      add_value(nesting);
    }
  }
}

/* A long flat array, as most are, is told by its text alone. */
static bool is_flat_text(const or_json_value_t *data) {
  size_t bytes = 0;
  if (or_json_kind(data) != OR_JSON_NUMBERS) return false;
  const char *text = or_json_numbers_text(data, &bytes);
  return memchr(text + 1, '[', bytes - 1) == NULL;
}

static bool fits(const nesting_t *nesting, const or_shape_t *shape, bool complex) {
  const size_t rank = (size_t)shape->rank, levels = nesting->deepest;
  const bool pairs = complex && nesting->dims[levels] == 2;
  const bool cut = levels < rank && nesting->dims[levels] == 0; /* where there is nothing more to nest */
  if (levels == 1 || (pairs && levels == 2)) return true;       /* flat */
  if (levels != rank && !cut && !(pairs && levels == rank + 1)) return false;
  for (size_t d = 0; d < rank && d < levels; ++d) {
    if (nesting->dims[d + 1] >= 0 && nesting->dims[d + 1] != shape->dims[d]) return false;
  }
  return true;
}

or_status_t or_nesting_check(const or_json_value_t *data, const or_shape_t *shape, bool complex) {
  nesting_t nesting = {.even = true};
  char given[160], wanted[160];
  size_t bytes = 0;
  if (is_flat_text(data)) return or_status_success();
  for (size_t i = 0; i <= MAX_LEVELS; ++i) nesting.dims[i] = -1;
  if (or_json_kind(data) == OR_JSON_NUMBERS) {
    const char *text = or_json_numbers_text(data, &bytes);
    (void)walk_text(&nesting, text, text + bytes); /* too_deep says it */
  } else {
    walk(&nesting, data);
  }
  if (nesting.too_deep) return or_error(OR_INVALID_ARGUMENT, "\"data\" is nested deeper than %d", MAX_LEVELS);
  or_shape_format(shape, wanted, sizeof wanted);
  if (!nesting.even)
    return or_error(OR_INVALID_ARGUMENT, "\"data\" is nested unevenly; it must be flat, or nested as its shape %s",
                    wanted);
  if (fits(&nesting, shape, complex)) return or_status_success();
  or_shape_t found = {.rank = nesting.deepest > OR_MAX_RANK ? OR_MAX_RANK : (int32_t)nesting.deepest};
  for (int32_t d = 0; d < found.rank; ++d) found.dims[d] = nesting.dims[d + 1];
  return or_error(OR_INVALID_ARGUMENT, "\"data\" is nested as %s; it must be flat, or nested as its shape %s",
                  or_shape_format(&found, given, sizeof given), wanted);
}
