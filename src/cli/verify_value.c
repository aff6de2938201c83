/* What a model takes and gives in a data set: read, compared, written. */
#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "base/string.h"
#include "cli/verify.h"
#include "model/tensor_file.h"
#include "model/value_file.h"
#include "task/compare.h"

static or_status_t as_declared(or_dtype_t declared, or_tensor_t **tensor);
static int shown(const or_string_t *text);

or_status_t or_verify_read(or_cli_t *cli, const char *set, const char *kind, size_t index,
                           const or_model_value_t *declared, or_binding_t *out) {
  or_text_t path;
  *out = (or_binding_t){.name = declared->name};
  or_text_init(&path, cli->allocator);
  or_status_t status = or_text_printf(&path, "%s/%s_%zu.pb", set, kind, index);
  if (or_ok(status) && declared->form != OR_FORM_TENSOR) {
    status = or_value_file_read(cli->runtime, or_text_string(&path), declared->form, &out->value);
  } else if (or_ok(status)) {
    status = or_tensor_file_read(cli->runtime, or_text_string(&path), &out->tensor);
    if (or_ok(status)) status = as_declared(declared->dtype, &out->tensor);
  }
  or_text_deinit(&path);
  return status;
}

/* ONNX's own test data keeps bfloat16 as uint16, for want of a NumPy type: the same bits under the model's type. Takes
   and gives the reference. */
static or_status_t as_declared(or_dtype_t declared, or_tensor_t **tensor) {
  or_tensor_t *view = NULL;
  if (declared != OR_BFLOAT16 || or_tensor_dtype(*tensor) != OR_UINT16) return or_status_success();
  or_status_t status =
      or_tensor_view(or_tensor_buffer(*tensor), or_tensor_offset(*tensor), declared, *or_tensor_shape(*tensor), &view);
  or_tensor_release(*tensor);
  *tensor = view;
  return status;
}

void or_verify_release(or_binding_t *binding) {
  or_tensor_release(binding->tensor);
  or_value_release(binding->value);
  binding->tensor = NULL;
  binding->value = NULL;
}

or_status_t or_verify_write(or_cli_t *cli, const char *directory, const or_binding_t *output) {
  if (output->value != NULL) return or_value_file_write(cli->runtime, directory, output->name, output->value);
  return or_tensor_file_write(cli->runtime, directory, output->name, output->tensor);
}

#define SHOWN_BYTES 60 /* of a text that differs */

/* Of one shape; both lie in host memory, as strings do. */
static or_status_t compare_strings(const char *name, const or_tensor_t *actual, const or_tensor_t *expected,
                                   or_verification_t *out) {
  const or_string_t *a = or_tensor_data(actual), *b = or_tensor_data(expected);
  uint64_t count = or_tensor_count(actual), wrong = 0, first = 0;
  if (count > 0 && (a == NULL || b == NULL))
    return or_error(OR_UNIMPLEMENTED, "output \"%s\": strings outside of host memory are not compared", name);
  for (uint64_t i = 0; i < count; ++i) {
    if (a[i].length == b[i].length && (a[i].length == 0 || memcmp(a[i].data, b[i].data, a[i].length) == 0)) continue;
    if (wrong++ == 0) first = i;
  }
  ++out->outputs;
  if (wrong > 0 && out->verdict == OR_VERDICT_PASSED) {
    out->verdict = OR_VERDICT_WRONG;
    or_format(out->detail, sizeof out->detail,
              "output \"%s\": %llu of %llu texts differ, the first at %llu: got \"%.*s\", expected \"%.*s\"", name,
              (unsigned long long)wrong, (unsigned long long)count, (unsigned long long)first, shown(&a[first]),
              a[first].data, shown(&b[first]), b[first].data);
  }
  return or_status_success();
}

static int shown(const or_string_t *text) { return text->length < SHOWN_BYTES ? (int)text->length : SHOWN_BYTES; }

or_status_t or_verify_compare(or_cli_t *cli, const char *name, const or_tensor_t *actual, const or_tensor_t *expected,
                              const or_verify_options_t *options, or_verification_t *out) {
  const or_shape_t *shape = or_tensor_shape(actual);
  or_dtype_t dtype = or_tensor_dtype(actual);
  char text[2][160];
  if (dtype != or_tensor_dtype(expected) || !or_shape_equal(shape, or_tensor_shape(expected))) {
    out->verdict = OR_VERDICT_WRONG;
    or_format(out->detail, sizeof out->detail, "output \"%s\": got %s %s, expected %s %s", name, or_dtype_name(dtype),
              or_shape_format(shape, text[0], sizeof text[0]), or_dtype_name(or_tensor_dtype(expected)),
              or_shape_format(or_tensor_shape(expected), text[1], sizeof text[1]));
    return or_status_success();
  }
  if (dtype == OR_STRING) return compare_strings(name, actual, expected, out);
  or_difference_t difference;
  bool exact = !or_dtype_is_float(dtype);
  double step = dtype == OR_BFLOAT16  ? 0x1p-7
                : dtype == OR_FLOAT16 ? 0x1p-10
                                      : 0; /* neighbours of a narrow type agree */
  or_task_tolerance_t tolerance = {exact ? 0 : fmax(options->rtol, step), exact ? 0 : options->atol};
  or_status_t status = or_task_compare_tensors(cli->allocator, actual, expected, tolerance, &difference);
  if (!or_ok(status)) return status;
  out->max_abs = fmax(out->max_abs, difference.max_abs);
  out->max_rel = fmax(out->max_rel, difference.max_rel);
  out->mean_abs = fmax(out->mean_abs, difference.mean_abs);
  ++out->outputs;
  if (difference.wrong > 0 && out->verdict == OR_VERDICT_PASSED) {
    out->verdict = OR_VERDICT_WRONG;
    or_format(out->detail, sizeof out->detail,
              "output \"%s\": %llu of %llu elements differ, the first at %llu: got %.9g, expected %.9g", name,
              (unsigned long long)difference.wrong, (unsigned long long)difference.count,
              (unsigned long long)difference.first_wrong, difference.wrong_actual, difference.wrong_expected);
  }
  return status;
}

/* "a tensor", "a sequence of 3", "an empty optional" */
static const char *describe(const or_value_t *value, char *text, size_t capacity) {
  size_t count = or_value_count(value);
  if (or_value_kind(value) == OR_VALUE_TENSOR) return or_format(text, capacity, "a tensor");
  if (or_value_kind(value) == OR_VALUE_SEQUENCE) return or_format(text, capacity, "a sequence of %zu", count);
  return or_format(text, capacity, count == 0 ? "an empty optional" : "an optional");
}

/* A value of or_model_value_t.form has at most three levels: an optional sequence of tensors. */
static or_status_t compare_values(or_cli_t *cli, const char *name, const or_value_t *actual, const or_value_t *expected,
                                  const or_verify_options_t *options, or_verification_t *out) {
  char text[2][64];
  if (or_value_kind(actual) != or_value_kind(expected) || or_value_count(actual) != or_value_count(expected)) {
    out->verdict = OR_VERDICT_WRONG;
    or_format(out->detail, sizeof out->detail, "output \"%s\": got %s, expected %s", name,
              describe(actual, text[0], sizeof text[0]), describe(expected, text[1], sizeof text[1]));
    return or_status_success();
  }
  if (or_value_kind(actual) == OR_VALUE_TENSOR)
    return or_verify_compare(cli, name, or_value_tensor(actual), or_value_tensor(expected), options, out);
  bool sequence = or_value_kind(actual) == OR_VALUE_SEQUENCE;
  or_status_t status = or_status_success();
  or_text_t element;
  or_text_init(&element, cli->allocator);
  for (size_t i = 0; or_ok(status) && i < or_value_count(actual); ++i) {
    or_text_clear(&element);
    status = or_text_printf(&element, "%s", name);
    if (or_ok(status) && sequence) status = or_text_printf(&element, "[%zu]", i);
    if (or_ok(status))
      status = compare_values(cli, or_text_string(&element), or_value_element(actual, i), or_value_element(expected, i),
                              options, out);
  }
  or_text_deinit(&element);
  return status;
}

or_status_t or_verify_compare_bindings(or_cli_t *cli, const or_binding_t *actual, const or_binding_t *expected,
                                       const or_verify_options_t *options, or_verification_t *out) {
  if (actual->value != NULL && expected->value != NULL)
    return compare_values(cli, actual->name, actual->value, expected->value, options, out);
  return or_verify_compare(cli, actual->name, actual->tensor, expected->tensor, options, out);
}
