#include "base/testing.h"

#include "base/multipart.h"
#include "base/string.h"

static or_multipart_t parts;

static or_status_t parse(const char *type, const char *body) {
  return or_multipart_parse(or_allocator_system(), (or_slice_t){type, strlen(type)}, body, strlen(body), &parts);
}

#define TYPE "multipart/form-data; boundary=XX"
#define PART(name) "--XX\r\nContent-Disposition: form-data; name=\"" name "\"\r\n"

static void cuts_a_body_into_its_parts(void **state) {
  (void)state;
  const char *body = "what stands before is passed over\r\n" PART(
      "request") "Content-Type: "
                 "application/json\r\n\r\n{\"a\":1}\r\n" PART("tensor \\\"a\\\"") "Content-Type: "
                                                                                  "application/"
                                                                                  "octet-stream\r\n\r\n\r\n--X\r\n-"
                                                                                  "-XY\r\n"
                                                                                  "--XX  "
                                                                                  "\r\ncontent-disposition:form-"
                                                                                  "data;name=plain\r\n\r\n\r\n--XX-"
                                                                                  "-\r\nand after";
  /* "\r\n--XX" inside a line that goes on is the boundary all the same, as RFC 2046 has it; "--X" and "--XY" are not.
   * */
  expect_ok(parse("Multipart/Form-Data; charset=utf-8; boundary=\"XX\"", body));
  assert_int_equal(parts.count, 3);
  assert_string_equal(parts.parts[0].name, "request");
  assert_true(or_slice_is(parts.parts[0].content_type, "application/json"));
  assert_int_equal(parts.parts[0].bytes, 7);
  assert_memory_equal(parts.parts[0].data, "{\"a\":1}", 7);
  or_multipart_part_t *tensor = or_multipart_find(&parts, "tensor \"a\"");
  assert_non_null(tensor);
  assert_int_equal(tensor->bytes, 11);
  assert_memory_equal(tensor->data, "\r\n--X\r\n--XY", 11);
  expect_ok(or_multipart_align(&parts, tensor));
  assert_int_equal((uintptr_t)tensor->data % OR_DEFAULT_ALIGNMENT, 0);
  assert_memory_equal(tensor->data, "\r\n--X\r\n--XY", 11);
  assert_int_equal(or_multipart_find(&parts, "plain")->bytes, 0);
  assert_null(or_multipart_find(&parts, "none"));
  or_multipart_deinit(&parts);
}

static void refuses_what_is_no_form(void **state) {
  (void)state;
  expect_failure(parse("application/json", ""), OR_INVALID_ARGUMENT, "not multipart/form-data");
  expect_failure(parse("multipart/form-data", ""), OR_INVALID_ARGUMENT, "boundary");
  expect_failure(parse("multipart/form-data; boundary=\"x", ""), OR_INVALID_ARGUMENT, "boundary");
  expect_failure(parse("multipart/form-data; boundary=", ""), OR_INVALID_ARGUMENT, "boundary");
  char type[128] = "multipart/form-data; boundary=";
  memset(type + strlen(type), 'b', OR_MULTIPART_BOUNDARY_BYTES + 1);
  expect_failure(parse(type, ""), OR_INVALID_ARGUMENT, "boundary");
  static const char *const bad[] = {
      "", "--X", "--XX", "--XX-", "--XX\r\n", PART("a") "\r\nx", PART("a") "\r\nx\r\n--XX", "--XX\n" PART("a")};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
    expect_failure(parse(TYPE, bad[i]), OR_INVALID_ARGUMENT, "before its last boundary");
  expect_failure(parse(TYPE, PART("a") "\r\nx\r\n" PART("a") "\r\ny\r\n--XX--"), OR_INVALID_ARGUMENT,
                 "\"a\" comes twice");
  expect_failure(parse(TYPE, "--XX\r\nA: b\r\n\r\nx\r\n--XX--"), OR_INVALID_ARGUMENT, "part 1 has no name");
  expect_failure(parse(TYPE, PART("\xFF") "\r\nx\r\n--XX--"), OR_INVALID_ARGUMENT, "no name");
  expect_failure(parse(TYPE, "--XX\r\nno colon\r\n\r\nx\r\n--XX--"), OR_INVALID_ARGUMENT, "no name");
  expect_failure(parse(TYPE, "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--XX--"), OR_INVALID_ARGUMENT,
                 "no form-data");
  expect_failure(parse(TYPE, PART("a") "no end of the header\r\n--XX--"), OR_INVALID_ARGUMENT, "no end of its header");
}

static void bounds_parts_and_their_headers(void **state) {
  (void)state;
  static char body[64 * 1024];
  size_t at = 0;
  for (int i = 0; i <= OR_MULTIPART_MAX_PARTS; ++i) {
    or_format(body + at, sizeof body - at, "--XX\r\nContent-Disposition: form-data; name=p%d\r\n\r\nx\r\n", i);
    at += strlen(body + at);
  }
  or_format(body + at, sizeof body - at, "--XX--");
  expect_failure(parse(TYPE, body), OR_OUT_OF_RANGE, "more than 64 parts");
  or_format(body, sizeof body, "--XX\r\nX: %0*d\r\n\r\n\r\n--XX--", OR_MULTIPART_HEADER_BYTES, 0);
  expect_failure(parse(TYPE, body), OR_OUT_OF_RANGE, "exceeds 4096 bytes");
}

static or_status_t use(const or_allocator_t *allocator) {
  static const char body[] = PART("a") "\r\n0123456789\r\n--XX--";
  or_status_t status =
      or_multipart_parse(allocator, (or_slice_t){TYPE, sizeof TYPE - 1}, body + 0, sizeof body - 1, &parts);
  if (!or_ok(status)) return status;
  parts.parts[0].data += (uintptr_t)parts.parts[0].data % OR_DEFAULT_ALIGNMENT == 0; /* so that it must be moved */
  parts.parts[0].bytes = 8;
  status = or_multipart_align(&parts, &parts.parts[0]);
  or_multipart_deinit(&parts);
  return status;
}

static void gives_everything_back_when_an_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(use);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cuts_a_body_into_its_parts),
      cmocka_unit_test(refuses_what_is_no_form),
      cmocka_unit_test(bounds_parts_and_their_headers),
      cmocka_unit_test(gives_everything_back_when_an_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
