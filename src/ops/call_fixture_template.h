/* For tests of operators, included once after cmocka's headers: builds one call, runs infer and the reference, and
 * checks that every byte and every status is given back.
 *
 * call_init, then call_input for each input (its data may be NULL where only infer is called) and call_int, call_ints,
 * … for the attributes; then call_run and expect_doubles or expect_ints, or call_infer and expect_shape, or
 * expect_refused; at the end call_deinit. */

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/numbers.h"
#include "ops/op.h"

#define CALL_MAX_TENSORS 9
#define COUNT_OF(type, ...) (sizeof((type[]){__VA_ARGS__}) / sizeof(type))
#define SHAPE(...) or_shape_make(COUNT_OF(int64_t, __VA_ARGS__), (int64_t[]){__VA_ARGS__})
#define SCALAR ((or_shape_t){.rank = 0})
#define RANK_UNKNOWN ((or_shape_t){.rank = OR_RANK_UNKNOWN})
#define SYMBOL(s) OR_DIM_SYMBOL(s)
#define UNKNOWN OR_DIM_UNKNOWN
/* Two arguments: the values, and how many. */
#define FLOATS(...) ((float[]){__VA_ARGS__})
#define DOUBLES(...) ((double[]){__VA_ARGS__}), COUNT_OF(double, __VA_ARGS__)
#define INTS(...) ((int64_t[]){__VA_ARGS__}), COUNT_OF(int64_t, __VA_ARGS__)
#define TEXTS(...) ((const char *[]){__VA_ARGS__}), COUNT_OF(const char *, __VA_ARGS__)
/* Elements of a tensor of strings, or of an attribute: STRINGS(TEXT("a"), TEXT("")). */
#define TEXT(literal) \
  { .data = (literal), .length = sizeof(literal) - 1 }
#define STRINGS(...) ((or_string_t[]){__VA_ARGS__})

typedef struct call_fixture_t {
  or_counting_allocator_t allocator;
  or_node_t node;
  or_attribute_t attributes[OR_OP_MAX_ATTRIBUTES];
  or_op_tensor_t inputs[CALL_MAX_TENSORS], outputs[CALL_MAX_TENSORS];
  or_op_call_t call;
  or_arena_t strings;
} call_fixture_t;

static inline void call_init(call_fixture_t *f, const char *domain, const char *name, int version) {
  memset(f, 0, sizeof *f);
  or_counting_allocator_init(&f->allocator, or_allocator_system(), 0);
  f->node = (or_node_t){.name = "node", .domain = domain, .op = name, .version = version, .attributes = f->attributes};
  f->call = (or_op_call_t){.op = or_op_find(domain, name),
                           .node = &f->node,
                           .inputs = f->inputs,
                           .outputs = f->outputs,
                           .allocator = &f->allocator.base,
                           .strings = &f->strings};
  or_arena_init(&f->strings, &f->allocator.base);
  assert_non_null(f->call.op);
}

/* `data` is borrowed; NULL where only infer is called. dtype OR_DTYPE_NONE: left out. */
static inline void call_input(call_fixture_t *f, or_dtype_t dtype, or_shape_t shape, const void *data) {
  assert_true(f->call.input_count < CALL_MAX_TENSORS);
  f->inputs[f->call.input_count++] = (or_op_tensor_t){.dtype = dtype, .shape = shape, .data = (void *)(uintptr_t)data};
}

/* A list of int64, as axes, shapes and the like are given: call_list(&f, INTS(…)). */
static inline void call_list(call_fixture_t *f, const int64_t *values, size_t count) {
  call_input(f, OR_INT64, SHAPE((int64_t)count), values);
}

static inline or_attribute_t *call_attribute(call_fixture_t *f, const char *name, or_attribute_kind_t kind) {
  assert_true(f->node.attribute_count < OR_OP_MAX_ATTRIBUTES);
  or_attribute_t *attribute = &f->attributes[f->node.attribute_count++];
  *attribute = (or_attribute_t){.name = name, .kind = kind};
  return attribute;
}

static inline void call_int(call_fixture_t *f, const char *name, int64_t value) {
  call_attribute(f, name, OR_ATTRIBUTE_INT)->integer = value;
}

static inline void call_float(call_fixture_t *f, const char *name, float value) {
  call_attribute(f, name, OR_ATTRIBUTE_FLOAT)->real = value;
}

static inline void call_string(call_fixture_t *f, const char *name, const char *value) {
  call_attribute(f, name, OR_ATTRIBUTE_STRING)->string = (or_string_t){.data = value, .length = strlen(value)};
}

/* The values are borrowed: INTS(…) lives until the end of the block that it stands in. */
static inline void call_ints(call_fixture_t *f, const char *name, const int64_t *values, size_t count) {
  or_attribute_t *attribute = call_attribute(f, name, OR_ATTRIBUTE_INTS);
  attribute->integers = values;
  attribute->count = count;
}

static inline void call_strings(call_fixture_t *f, const char *name, const or_string_t *values, size_t count) {
  or_attribute_t *attribute = call_attribute(f, name, OR_ATTRIBUTE_STRINGS);
  attribute->strings = values;
  attribute->count = count;
}

static inline void expect_ok(or_status_t status) {
  if (or_ok(status)) return;
  print_error("%s (%s)\n", or_status_message(status), or_status_place(status));
  or_status_ignore(status); /* the test fails here */
  fail();
}

static inline void call_infer(call_fixture_t *f, uint32_t output_count) {
  f->call.output_count = output_count;
  expect_ok(or_op_infer(&f->call));
}

/* infer refuses, with this code and a message that contains `part`. */
static inline void expect_refused(call_fixture_t *f, uint32_t output_count, or_status_code_t code, const char *part) {
  f->call.output_count = output_count;
  or_status_t status = or_op_infer(&f->call);
  assert_int_equal(or_status_code(status), code);
  if (strstr(or_status_message(status), part) == NULL) {
    print_error("the message is: %s\n", or_status_message(status));
    or_status_ignore(status); /* the test fails here */
    fail();
  }
  or_status_ignore(status); /* expected */
}

/* Outputs with room behind nothing: the sanitizers see a write past the end. */
static inline void call_run(call_fixture_t *f, uint32_t output_count) {
  call_infer(f, output_count);
  for (uint32_t i = 0; i < output_count; ++i) {
    uint64_t count = 0;
    assert_true(or_shape_count(&f->outputs[i].shape, &count));
    expect_ok(or_alloc(&f->allocator.base, or_dtype_bytes(f->outputs[i].dtype, count), &f->outputs[i].data));
  }
  expect_ok(or_op_reference(&f->call));
}

/* infer accepts and the reference refuses, with INVALID_ARGUMENT and a message that contains `part`. */
static inline void expect_run_fails(call_fixture_t *f, uint32_t output_count, const char *part) {
  call_infer(f, output_count);
  for (uint32_t i = 0; i < output_count; ++i) {
    uint64_t count = 0;
    assert_true(or_shape_count(&f->outputs[i].shape, &count));
    size_t bytes = or_dtype_bytes(f->outputs[i].dtype, count);
    expect_ok(or_alloc(&f->allocator.base, bytes > 0 ? bytes : 1, &f->outputs[i].data));
  }
  or_status_t status = or_op_reference(&f->call);
  assert_int_equal(or_status_code(status), OR_INVALID_ARGUMENT);
  bool named = strstr(or_status_message(status), part) != NULL;
  if (!named) print_error("the message is: %s\n", or_status_message(status));
  or_status_ignore(status); /* expected */
  assert_true(named);
}

static inline void call_deinit(call_fixture_t *f) {
  for (uint32_t i = 0; i < f->call.output_count; ++i) or_free(&f->allocator.base, f->outputs[i].data);
  or_arena_deinit(&f->strings);
  assert_int_equal(f->allocator.live_bytes, 0);
  assert_int_equal(or_status_live_count(), 0);
}

static inline void expect_shape(const call_fixture_t *f, uint32_t output, or_dtype_t dtype, or_shape_t shape) {
  char expected[200], actual[200];
  assert_int_equal(f->outputs[output].dtype, dtype);
  assert_string_equal(or_shape_format(&f->outputs[output].shape, actual, sizeof actual),
                      or_shape_format(&shape, expected, sizeof expected));
}

/* `tolerance` counts relative to the expected value, and absolutely below 1; 0 is exact. NaN equals NaN. */
static inline void expect_doubles(const call_fixture_t *f, uint32_t output, double tolerance, const double *expected,
                                  size_t count) {
  const or_op_tensor_t *tensor = &f->outputs[output];
  uint64_t actual_count = 0;
  assert_true(or_shape_count(&tensor->shape, &actual_count));
  assert_int_equal(actual_count, count);
  for (size_t i = 0; i < count; ++i) {
    double actual = or_element_get(tensor->dtype, tensor->data, i);
    bool same = actual == expected[i] || (isnan(actual) && isnan(expected[i])) ||
                fabs(actual - expected[i]) <= tolerance * fmax(1, fabs(expected[i]));
    if (same) continue;
    print_error("output %u, element %zu: %.17g, expected %.17g\n", output, i, actual, expected[i]);
    fail();
  }
}

/* The same for integers, exactly. */
static inline void expect_ints(const call_fixture_t *f, uint32_t output, const int64_t *expected, size_t count) {
  const or_op_tensor_t *tensor = &f->outputs[output];
  uint64_t actual_count = 0;
  assert_true(or_shape_count(&tensor->shape, &actual_count));
  assert_int_equal(actual_count, count);
  for (size_t i = 0; i < count; ++i) {
    int64_t actual = or_element_get_int(tensor->dtype, tensor->data, i);
    if (actual == expected[i]) continue;
    print_error("output %u, element %zu: %lld, expected %lld\n", output, i, (long long)actual, (long long)expected[i]);
    fail();
  }
}

/* The same for strings. */
static inline void expect_strings(const call_fixture_t *f, uint32_t output, const char *const *expected, size_t count) {
  const or_op_tensor_t *tensor = &f->outputs[output];
  const or_string_t *actual = tensor->data;
  uint64_t actual_count = 0;
  assert_int_equal(tensor->dtype, OR_STRING);
  assert_true(or_shape_count(&tensor->shape, &actual_count));
  assert_int_equal(actual_count, count);
  for (size_t i = 0; i < count; ++i) {
    assert_non_null(actual[i].data);
    if (actual[i].length == strlen(expected[i]) && memcmp(actual[i].data, expected[i], actual[i].length) == 0) continue;
    print_error("output %u, element %zu: \"%.*s\", expected \"%s\"\n", output, i, (int)actual[i].length, actual[i].data,
                expected[i]);
    fail();
  }
}
