#include "kernel/protocol.h"

#include "base/testing.h"

static or_text_t text;

static int set_up(void **state) {
  (void)state;
  or_text_init(&text, or_allocator_system());
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  or_text_deinit(&text);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

/* What stands behind the header, which must be right. */
static const char *body(or_worker_kind_t kind, size_t *length) {
  or_worker_header_t header;
  memcpy(&header, text.data, sizeof header);
  expect_ok(or_worker_header_check(&header, SIZE_MAX));
  assert_int_equal(header.kind, kind);
  assert_int_equal(header.bytes, text.length - sizeof header);
  *length = header.bytes;
  return text.data + sizeof header;
}

static or_worker_compiled_t sample(void) {
  return (or_worker_compiled_t){
      .log = "a warning",
      .binary_bytes = 1234,
      .local_bytes = 32768,
      .cached = true,
      .max_block = 256,
      .max_blocks = {256, 128, 64},
      .required_block = {8, 4, 2},
      .parameter_count = 2,
      .parameters = {
          {.name = "y", .type = "float4*", .role = OR_KERNEL_BUFFER, .dtype = OR_FLOAT32, .width = 4, .writable = true},
          {.name = "n", .type = "int", .role = OR_KERNEL_SCALAR, .dtype = OR_INT32, .width = 1}}};
}

static void what_is_written_is_read(void **state) {
  (void)state;
  const or_worker_compiled_t sent = sample();
  or_worker_compiled_t got;
  size_t length = 0;
  expect_ok(or_worker_write_compiled(&sent, &text));
  const char *bytes = body(OR_WORKER_COMPILED, &length);
  expect_ok(or_worker_parse_compiled(bytes, length, &got));
  assert_int_equal(got.outcome.code, OR_OK);
  assert_string_equal(got.log, "a warning");
  assert_int_equal(got.binary_bytes, 1234);
  assert_true(got.cached);
  assert_int_equal(got.max_blocks[2], 64);
  assert_int_equal(got.required_block[1], 4);
  assert_int_equal(got.parameter_count, 2);
  assert_string_equal(got.parameters[0].type, "float4*");
  assert_int_equal(got.parameters[0].width, 4);
  assert_true(got.parameters[0].writable);
  assert_int_equal(got.parameters[1].role, OR_KERNEL_SCALAR);
}

static void a_run_is_read_as_it_was_written(void **state) {
  (void)state;
  or_worker_run_t sent = {.kernel = 7,
                          .cpu_seconds = 3,
                          .grid = {.grid = {1, 2, 1ull << 40}, .block = {4, 5, 6}},
                          .value_count = 3,
                          .values = {{.role = OR_KERNEL_BUFFER, .offset = 4096, .bytes = 100},
                                     {.role = OR_KERNEL_SCALAR, .bytes = 4, .scalar = {1, 2, 3, 4}},
                                     {.role = OR_KERNEL_LOCAL, .bytes = 512}}};
  or_worker_run_t got;
  size_t length = 0;
  expect_ok(or_worker_write_run(&sent, &text));
  const char *bytes = body(OR_WORKER_RUN, &length);
  expect_ok(or_worker_parse_run(bytes, length, &got));
  assert_memory_equal(&got.grid, &sent.grid, sizeof got.grid);
  assert_int_equal(got.values[0].offset, 4096);
  assert_memory_equal(got.values[1].scalar, sent.values[1].scalar, 4);
  assert_int_equal(got.values[2].bytes, 512);
}

static void every_cut_and_every_addition_is_refused(void **state) {
  (void)state;
  const or_worker_compiled_t sent = sample();
  or_worker_compiled_t got;
  size_t length = 0;
  expect_ok(or_worker_write_compiled(&sent, &text));
  expect_ok(or_text_append(&text, "x", 1));
  const char *bytes = text.data + sizeof(or_worker_header_t);
  length = text.length - sizeof(or_worker_header_t);
  expect_failure(or_worker_parse_compiled(bytes, length, &got), OR_DATA_LOSS, "more follows");
  for (size_t cut = 0; cut < length - 1; ++cut)
    expect_failure(or_worker_parse_compiled(bytes, cut, &got), OR_DATA_LOSS, "COMPILED");
}

/* Writes the sample with one parameter changed, and expects a refusal. */
static void refuses(or_kernel_parameter_t parameter) {
  or_worker_compiled_t sent = sample(), got;
  size_t length = 0;
  sent.parameters[1] = parameter;
  or_text_clear(&text);
  expect_ok(or_worker_write_compiled(&sent, &text));
  const char *bytes = body(OR_WORKER_COMPILED, &length);
  expect_failure(or_worker_parse_compiled(bytes, length, &got), OR_DATA_LOSS, "a kind that there is not");
  assert_int_equal(got.parameter_count, 0);
}

static void parameters_that_there_are_not_are_refused(void **state) {
  (void)state;
  const or_kernel_parameter_t good = sample().parameters[1];
  or_kernel_parameter_t bad = good;
  bad.role = (or_kernel_role_t)3;
  refuses(bad);
  bad = good;
  bad.dtype = OR_STRING;
  refuses(bad);
  bad.dtype = OR_DTYPE_NONE; /* only bytes of a buffer may be of no type */
  refuses(bad);
  bad.dtype = (or_dtype_t)99;
  refuses(bad);
  bad = good;
  bad.width = 5;
  refuses(bad);
  bad.width = 0;
  refuses(bad);
  bad = good;
  bad.writable = true;
  refuses(bad);
}

static void more_parameters_than_there_may_be_are_refused(void **state) {
  (void)state;
  or_worker_compiled_t sent = sample(), got;
  size_t length = 0;
  sent.parameter_count = 0;
  expect_ok(or_worker_write_compiled(&sent, &text));
  const char *bytes = body(OR_WORKER_COMPILED, &length);
  const uint32_t many = OR_KERNEL_MAX_PARAMETERS + 1;
  memcpy(text.data + text.length - sizeof many, &many, sizeof many);
  expect_failure(or_worker_parse_compiled(bytes, length, &got), OR_DATA_LOSS, "too many");
}

static void long_names_are_cut_as_they_are_written(void **state) {
  (void)state;
  char name[400];
  or_worker_compiled_t sent = sample(), got;
  size_t length = 0;
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  sent.parameters[0].name = name;
  expect_ok(or_worker_write_compiled(&sent, &text));
  const char *bytes = body(OR_WORKER_COMPILED, &length);
  expect_ok(or_worker_parse_compiled(bytes, length, &got));
  assert_int_equal(strlen(got.parameters[0].name), OR_WORKER_NAME_BYTES - 1);
}

static void a_worker_says_only_what_is_its_to_say(void **state) {
  (void)state;
  or_worker_ran_t sent = {.outcome = or_worker_outcome(or_error(OR_PERMISSION_DENIED, "no")), .device_ns = -1}, got;
  size_t length = 0;
  expect_ok(or_worker_write_ran(&sent, &text));
  const char *bytes = body(OR_WORKER_RAN, &length);
  expect_ok(or_worker_parse_ran(bytes, length, &got));
  assert_int_equal(got.outcome.code, OR_INTERNAL);
  assert_string_equal(got.outcome.message, "no");
  assert_int_equal(got.device_ns, -1);
  text.data[sizeof(or_worker_header_t) + 8] = (char)0xff; /* the message's first byte */
  expect_failure(or_worker_parse_ran(bytes, length, &got), OR_DATA_LOSS, "UTF-8");
}

static void a_text_with_a_zero_byte_is_refused(void **state) {
  (void)state;
  const or_worker_compile_t sent = {.source = "a\0b", .source_bytes = 3, .entry = "f", .options = ""};
  or_worker_compile_t got;
  size_t length = 0;
  expect_ok(or_worker_write_compile(&sent, &text));
  const char *bytes = body(OR_WORKER_COMPILE, &length);
  expect_failure(or_worker_parse_compile(bytes, length, &got), OR_DATA_LOSS, "does not end where");
}

static void a_header_of_something_else_is_refused(void **state) {
  (void)state;
  const or_worker_header_t good = {OR_WORKER_MAGIC, OR_WORKER_VERSION, OR_WORKER_RAN, 100};
  or_worker_header_t bad = good;
  expect_ok(or_worker_header_check(&good, 100));
  expect_failure(or_worker_header_check(&good, 99), OR_DATA_LOSS, "at most 99");
  bad.magic ^= 1;
  expect_failure(or_worker_header_check(&bad, 100), OR_DATA_LOSS, "protocol");
  bad = good;
  bad.version = 2;
  expect_failure(or_worker_header_check(&bad, 100), OR_DATA_LOSS, "protocol 2");
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(what_is_written_is_read),
      TEST(a_run_is_read_as_it_was_written),
      TEST(every_cut_and_every_addition_is_refused),
      TEST(parameters_that_there_are_not_are_refused),
      TEST(more_parameters_than_there_may_be_are_refused),
      TEST(long_names_are_cut_as_they_are_written),
      TEST(a_worker_says_only_what_is_its_to_say),
      TEST(a_text_with_a_zero_byte_is_refused),
      TEST(a_header_of_something_else_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
