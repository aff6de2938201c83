#include "model/limits.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/string.h"

typedef enum limit_kind_t { KIND_UINT32, KIND_UINT64, KIND_DOUBLE } limit_kind_t;

static const struct {
  const char *name;
  size_t offset;
  limit_kind_t kind;
} rows[] = {
#define ROW(field, kind) \
  { #field, offsetof(or_model_limits_t, field), kind }
    ROW(file_bytes, KIND_UINT64),      ROW(initializer_bytes, KIND_UINT64), ROW(nodes, KIND_UINT32),
    ROW(values, KIND_UINT32),          ROW(tensor_elements, KIND_UINT64),   ROW(nesting, KIND_UINT32),
    ROW(loop_iterations, KIND_UINT64), ROW(loop_seconds, KIND_DOUBLE),      ROW(string_bytes, KIND_UINT64),
    ROW(expansion_ratio, KIND_DOUBLE), ROW(run_bytes, KIND_UINT64),         ROW(fold_work, KIND_UINT64),
#undef ROW
};
#define ROW_COUNT (sizeof rows / sizeof *rows)

static or_status_t unknown_name(const char *assignment) {
  char names[200] = "";
  for (size_t i = 0; i < ROW_COUNT; ++i) {
    const size_t used = strlen(names);
    or_format(names + used, sizeof names - used, "%s%s", i > 0 ? " " : "", rows[i].name);
  }
  return or_error(OR_INVALID_ARGUMENT, "\"%.200s\" must be NAME=VALUE, with a NAME of: %s", assignment, names);
}

static or_status_t set_whole(void *field, limit_kind_t kind, const char *name, const char *text) {
  char *end = NULL;
  errno = 0;
  const unsigned long long number = strtoull(text, &end, 10);
  const unsigned long long most = kind == KIND_UINT32 ? UINT32_MAX : UINT64_MAX;
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno == ERANGE || number < 1 || number > most)
    return or_error(OR_INVALID_ARGUMENT, "%s: \"%.100s\" is no whole number from 1 to %llu", name, text, most);
  if (kind == KIND_UINT32) *(uint32_t *)field = (uint32_t)number;
  if (kind == KIND_UINT64) *(uint64_t *)field = number;
  return or_status_success();
}

static or_status_t set_real(double *field, const char *name, const char *text) {
  char *end = NULL;
  const double number = strtod(text, &end);
  if (end == text || *end != '\0' || !isfinite(number) || number <= 0)
    return or_error(OR_INVALID_ARGUMENT, "%s: \"%.100s\" is no number above 0", name, text);
  *field = number;
  return or_status_success();
}

or_status_t or_model_limits_set(or_model_limits_t *limits, const char *assignment) {
  const char *equals = strchr(assignment, '=');
  for (size_t i = 0; equals != NULL && i < ROW_COUNT; ++i) {
    const size_t length = (size_t)(equals - assignment);
    if (strlen(rows[i].name) != length || memcmp(rows[i].name, assignment, length) != 0) continue;
    void *field = (char *)limits + rows[i].offset;
    if (rows[i].kind == KIND_DOUBLE) return set_real(field, rows[i].name, equals + 1);
    return set_whole(field, rows[i].kind, rows[i].name, equals + 1);
  }
  return unknown_name(assignment);
}
