#include "ops/regex_full_match.h"

#include "ops/infer.h"
#include "ops/regex.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t match_infer(or_op_call_t *call);
static or_status_t match_reference(or_op_call_t *call);
static or_cost_t match_cost(const or_op_call_t *call) { return or_cost_per_output(call, 1); }

const or_op_t or_op_regex_full_match = {
    .domain = "",
    .name = "RegexFullMatch",
    .summary = "whether texts match a regular expression",
    .since = {20},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_STRINGS,
    .attributes = {{"pattern", OR_ATTRIBUTE_STRING, false}},
    .infer = match_infer,
    .cost = match_cost,
    .reference = match_reference,
};

static or_status_t make_regex(const or_op_call_t *call, or_regex_t **out) {
  const or_attribute_t *pattern = or_op_attribute(call, "pattern");
  *out = NULL;
  if (pattern == NULL) return or_error(OR_INVALID_ARGUMENT, "attribute \"pattern\" is missing");
  return or_status_context(or_regex_create(call->allocator, pattern->string, out), "the pattern");
}

/* The pattern is read, so that a model with a wrong one is refused when it is loaded. */
static or_status_t match_infer(or_op_call_t *call) {
  or_regex_t *regex = NULL;
  or_status_t status = make_regex(call, &regex);
  or_regex_destroy(regex);
  call->outputs[0].dtype = OR_BOOL;
  call->outputs[0].shape = call->inputs[0].shape;
  return status;
}

static or_status_t match_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0];
  const or_string_t *texts = x->data;
  uint8_t *out = call->outputs[0].data;
  const uint64_t count = or_shape_product(&x->shape, 0, x->shape.rank);
  or_regex_t *regex = NULL;
  or_status_t status = make_regex(call, &regex);
  for (uint64_t i = 0; or_ok(status) && i < count && !or_stops(call->stop, 1 + texts[i].length); ++i) {
    bool matches = false;
    status =
        or_status_context(or_regex_match(regex, texts[i], call->stop, &matches), "element %llu", (unsigned long long)i);
    out[i] = matches;
  }
  or_regex_destroy(regex);
  return status;
}
