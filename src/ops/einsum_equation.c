/* The equation of an Einsum: text to labels. */
#include <string.h>

#include "ops/einsum.h"
#include "ops/extents.h"

typedef struct scan_t {
  const char *text;
  size_t length;
  or_einsum_t *out;
  const or_op_call_t *call;
  int32_t ellipsis; /* dimensions it stands for; -1: not seen yet */
  uint32_t count[OR_EINSUM_LETTERS];
} scan_t;

static or_status_t scan_term(scan_t *scan, size_t begin, size_t end, uint32_t term);
static or_status_t scan_output(scan_t *scan, size_t begin);
static or_status_t default_output(scan_t *scan);
static or_status_t unify(or_einsum_t *out, uint8_t label, int64_t extent);
static int label_of(char c);

static or_status_t bad_equation(const scan_t *scan, const char *why) {
  return or_error(OR_INVALID_ARGUMENT, "attribute \"equation\" is \"%.*s\": %s",
                  (int)(scan->length < 200 ? scan->length : 200), scan->text, why);
}

or_status_t or_einsum_parse(const or_op_call_t *call, or_einsum_t *out) {
  const or_attribute_t *equation = or_op_attribute(call, "equation");
  scan_t scan = {
      .text = equation->string.data, .length = equation->string.length, .out = out, .call = call, .ellipsis = -1};
  memset(out, 0, sizeof *out);
  if (call->input_count > OR_EINSUM_MAX_TERMS)
    return or_error(OR_UNIMPLEMENTED, "%u operands, more than %d, the limit", call->input_count, OR_EINSUM_MAX_TERMS);
  size_t arrow = 0;
  while (arrow < scan.length && !(scan.text[arrow] == '-' && arrow + 1 < scan.length && scan.text[arrow + 1] == '>'))
    ++arrow;
  bool explicit_output = arrow < scan.length;
  or_status_t status = or_status_success();
  for (size_t begin = 0; or_ok(status) && begin <= arrow; ++out->term_count) {
    size_t end = begin;
    while (end < arrow && scan.text[end] != ',') ++end;
    if (out->term_count == call->input_count) return bad_equation(&scan, "it has more terms than there are operands");
    status = scan_term(&scan, begin, end, out->term_count);
    begin = end + 1;
  }
  if (or_ok(status) && out->term_count != call->input_count)
    return bad_equation(&scan, "it has fewer terms than there are operands");
  if (!or_ok(status)) return status;
  return explicit_output ? scan_output(&scan, arrow + 2) : default_output(&scan);
}

static int label_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  return -1;
}

static bool is_ellipsis(const scan_t *scan, size_t at, size_t end) {
  return at + 3 <= end && memcmp(scan->text + at, "...", 3) == 0;
}

/* The number of letters in a part, *dots the number of ellipses. */
static or_status_t count_letters(const scan_t *scan, size_t begin, size_t end, int32_t *letters, int32_t *dots) {
  *letters = *dots = 0;
  for (size_t i = begin; i < end; ++i) {
    if (scan->text[i] == ' ') continue;
    if (is_ellipsis(scan, i, end)) {
      ++*dots;
      i += 2;
    } else if (label_of(scan->text[i]) >= 0) {
      ++*letters;
    } else {
      return bad_equation(scan, "a term holds letters, spaces and \"...\" only");
    }
    if (*letters > OR_MAX_RANK) return bad_equation(scan, "a term has more labels than a tensor has dimensions");
  }
  return *dots > 1 ? bad_equation(scan, "a term has two ellipses") : or_status_success();
}

static or_status_t scan_term(scan_t *scan, size_t begin, size_t end, uint32_t term) {
  const or_shape_t *shape = &scan->call->inputs[term].shape;
  int32_t letters = 0, dots = 0, d = 0;
  or_status_t status = count_letters(scan, begin, end, &letters, &dots);
  if (!or_ok(status)) return status;
  int32_t covered = shape->rank - letters; /* by the ellipsis */
  if (covered < 0 || (covered > 0 && dots == 0)) return bad_equation(scan, "a term does not have its operand's rank");
  if (dots > 0 && scan->ellipsis >= 0 && scan->ellipsis != covered)
    return bad_equation(scan, "the ellipsis stands for different numbers of dimensions");
  if (dots > 0) scan->ellipsis = covered;
  for (size_t i = begin; or_ok(status) && i < end; ++i) {
    if (scan->text[i] == ' ') continue;
    if (is_ellipsis(scan, i, end)) {
      for (int32_t k = 0; or_ok(status) && k < covered; ++k, ++d) {
        scan->out->labels[term][d] = (uint8_t)(OR_EINSUM_LETTERS + k);
        status = unify(scan->out, scan->out->labels[term][d], shape->dims[d]);
      }
      i += 2;
      continue;
    }
    uint8_t label = (uint8_t)label_of(scan->text[i]);
    scan->out->labels[term][d] = label;
    ++scan->count[label];
    status = unify(scan->out, label, shape->dims[d++]);
  }
  return status;
}

static or_status_t unify(or_einsum_t *out, uint8_t label, int64_t extent) {
  int64_t *known = &out->extent[label];
  if (!out->used[label] || *known == 1) {
    *known = extent;
  } else if (extent != 1 && extent != *known) {
    if (extent >= 0 && *known >= 0) {
      return or_error(OR_INVALID_ARGUMENT, "two dimensions of one label have extents %lld and %lld", (long long)*known,
                      (long long)extent);
    }
    if (*known < 0) *known = extent >= 0 ? extent : OR_DIM_UNKNOWN;
  }
  out->used[label] = true;
  return or_status_success();
}

static or_status_t append_ellipsis(scan_t *scan) {
  for (int32_t k = 0; k < scan->ellipsis; ++k) {
    if (scan->out->output_rank == OR_MAX_RANK) return bad_equation(scan, "the output has too many dimensions");
    scan->out->output[scan->out->output_rank++] = (uint8_t)(OR_EINSUM_LETTERS + k);
  }
  return or_status_success();
}

static or_status_t append_label(scan_t *scan, uint8_t label) {
  if (scan->out->output_rank == OR_MAX_RANK) return bad_equation(scan, "the output has too many dimensions");
  if (!scan->out->used[label]) return bad_equation(scan, "the output has a label that no operand has");
  for (int32_t i = 0; i < scan->out->output_rank; ++i) {
    if (scan->out->output[i] == label) return bad_equation(scan, "the output has a label twice");
  }
  scan->out->output[scan->out->output_rank++] = label;
  return or_status_success();
}

static or_status_t scan_output(scan_t *scan, size_t begin) {
  int32_t letters = 0, dots = 0;
  or_status_t status = count_letters(scan, begin, scan->length, &letters, &dots);
  for (size_t i = begin; or_ok(status) && i < scan->length; ++i) {
    if (scan->text[i] == ' ') continue;
    if (is_ellipsis(scan, i, scan->length)) {
      status = append_ellipsis(scan);
      i += 2;
    } else {
      status = append_label(scan, (uint8_t)label_of(scan->text[i]));
    }
  }
  return status;
}

static or_status_t default_output(scan_t *scan) {
  or_status_t status = append_ellipsis(scan);
  for (uint8_t label = 0; or_ok(status) && label < OR_EINSUM_LETTERS; ++label) {
    if (scan->count[label] == 1) status = append_label(scan, label);
  }
  return status;
}
