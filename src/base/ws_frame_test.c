#include "base/ws_frame.h"

#include "base/testing.h"

static or_ws_reader_t reader;
static or_ws_event_t event;

/* A client's frame: masked. Returns its bytes. */
static size_t frame(uint8_t *to, int first, const char *payload, size_t length) {
  static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  size_t at = 0;
  to[at++] = (uint8_t)first;
  if (length < 126) {
    to[at++] = (uint8_t)(0x80 | length);
  } else {
    to[at++] = 0x80 | 126;
    to[at++] = (uint8_t)(length >> 8);
    to[at++] = (uint8_t)length;
  }
  memcpy(to + at, mask, 4);
  at += 4;
  for (size_t i = 0; i < length; ++i) to[at + i] = (uint8_t)payload[i] ^ mask[i % 4];
  return at + length;
}

static int read_all(const uint8_t *bytes, size_t length, size_t step) {
  size_t at = 0, consumed = 0;
  int code = 0;
  event.kind = OR_WS_NOTHING;
  while (at < length && code == 0 && event.kind == OR_WS_NOTHING) {
    code = or_ws_read(&reader, (const char *)bytes + at, length - at < step ? length - at : step, &consumed, &event);
    at += consumed;
  }
  return code;
}

static int begin(void **state) {
  (void)state;
  or_ws_reader_init(&reader, or_allocator_system(), 1000, OR_WS_CLIENT);
  return 0;
}
static int end(void **state) {
  (void)state;
  or_ws_reader_deinit(&reader);
  return 0;
}

/* RFC 6455 section 5.7: "Hello", masked. */
static void reads_the_example_of_the_rfc(void **state) {
  (void)state;
  static const uint8_t hello[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
  for (size_t step = 1; step <= sizeof hello; ++step) {
    assert_int_equal(read_all(hello, sizeof hello, step), 0);
    assert_int_equal(event.kind, OR_WS_MESSAGE);
    assert_int_equal(event.opcode, OR_WS_TEXT);
    assert_int_equal(event.length, 5);
    assert_memory_equal(event.data, "Hello", 5);
  }
}

static void puts_fragments_together_with_a_ping_between_them(void **state) {
  (void)state;
  uint8_t bytes[512];
  char longer[200];
  memset(longer, 'x', sizeof longer);
  size_t first = frame(bytes, 0x01, "Hel", 3), ping = first + frame(bytes + first, 0x89, "?", 1);
  size_t length = ping + frame(bytes + ping, 0x80, longer, sizeof longer), consumed = 0;
  assert_int_equal(or_ws_read(&reader, (const char *)bytes, length, &consumed, &event), 0);
  assert_int_equal(consumed, ping);
  assert_true(event.kind == OR_WS_CONTROL && event.opcode == OR_WS_PING && event.length == 1 && event.data[0] == '?');
  assert_int_equal(read_all(bytes + ping, length - ping, 7), 0);
  assert_true(event.kind == OR_WS_MESSAGE && event.opcode == OR_WS_TEXT && event.length == 203);
  assert_memory_equal(event.data, "Helxx", 5);
  length = frame(bytes, 0x82, "", 0);
  assert_int_equal(read_all(bytes, length, length), 0);
  assert_true(event.kind == OR_WS_MESSAGE && event.opcode == OR_WS_BINARY && event.length == 0);
}

static void closes_for_what_the_protocol_forbids(void **state) {
  (void)state;
  static const struct {
    int code;
    uint8_t bytes[16];
    size_t length;
  } bad[] = {
      {OR_WS_PROTOCOL_ERROR, {0x81, 0x05}, 2}, /* not masked */
      {OR_WS_PROTOCOL_ERROR, {0xc1, 0x85}, 2}, /* a reserved bit */
      {OR_WS_PROTOCOL_ERROR, {0x83, 0x85}, 2}, /* a reserved opcode */
      {OR_WS_PROTOCOL_ERROR, {0x8b, 0x85}, 2},
      {OR_WS_PROTOCOL_ERROR, {0x80, 0x85}, 2},                     /* a continuation of nothing */
      {OR_WS_PROTOCOL_ERROR, {0x09, 0x80}, 2},                     /* a ping in fragments */
      {OR_WS_PROTOCOL_ERROR, {0x89, 0xfe}, 2},                     /* a long ping */
      {OR_WS_PROTOCOL_ERROR, {0x81, 0xfe, 0, 125, 0, 0, 0, 0}, 8}, /* not the shortest length */
      {OR_WS_PROTOCOL_ERROR, {0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}, 14},
      {OR_WS_TOO_BIG, {0x81, 0xfe, 0x03, 0xe9, 0, 0, 0, 0}, 8}, /* 1001 bytes */
      {OR_WS_TOO_BIG, {0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 14},
      {OR_WS_BAD_TEXT, {0x81, 0x81, 0, 0, 0, 0, 0xff}, 7},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    or_ws_reader_deinit(&reader);
    or_ws_reader_init(&reader, or_allocator_system(), 1000, OR_WS_CLIENT);
    int code = read_all(bad[i].bytes, bad[i].length, 1);
    if (code != bad[i].code) fail_msg("row %zu: %d", i, code);
  }
  uint8_t bytes[32];
  size_t length = frame(bytes, 0x01, "a", 1);
  or_ws_reader_deinit(&reader);
  or_ws_reader_init(&reader, or_allocator_system(), 1000, OR_WS_CLIENT);
  assert_int_equal(read_all(bytes, length, length), 0);
  assert_int_equal(read_all(bytes, length, length), OR_WS_PROTOCOL_ERROR); /* a message inside a message */
}

static void knows_the_codes_of_a_close(void **state) {
  (void)state;
  assert_int_equal(or_ws_close_code("", 0), OR_WS_NO_CODE);
  assert_int_equal(or_ws_close_code("\x03", 1), OR_WS_PROTOCOL_ERROR);
  assert_int_equal(or_ws_close_code("\x03\xe8 bye", 6), 1000);
  assert_int_equal(or_ws_close_code("\x03\xed", 2), OR_WS_PROTOCOL_ERROR); /* 1005 never goes over the wire */
  assert_int_equal(or_ws_close_code("\x0b\xb8", 2), 3000);
  assert_int_equal(or_ws_close_code("\x03\xe8\xff", 3), OR_WS_PROTOCOL_ERROR);
}

static void writes_headers_of_every_size(void **state) {
  (void)state;
  uint8_t header[OR_WS_FRAME_HEADER_BYTES];
  assert_int_equal(or_ws_frame_header(OR_WS_TEXT, 125, header), 2);
  assert_true(header[0] == 0x81 && header[1] == 125);
  assert_int_equal(or_ws_frame_header(OR_WS_BINARY, 126, header), 4);
  assert_true(header[0] == 0x82 && header[1] == 126 && header[2] == 0 && header[3] == 126);
  assert_int_equal(or_ws_frame_header(OR_WS_TEXT, 65536, header), 10);
  assert_true(header[1] == 127 && header[7] == 1 && header[8] == 0 && header[9] == 0);
}

/* RFC 6455 section 1.3. */
static void answers_the_key_of_the_rfc(void **state) {
  (void)state;
  char accept[OR_WS_ACCEPT_BYTES];
  assert_true(or_ws_accept_key("dGhlIHNhbXBsZSBub25jZQ==", 24, accept));
  assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  assert_false(or_ws_accept_key("dGhlIHNhbXBsZSBub25jZQ", 22, accept));
  assert_false(or_ws_accept_key("dGhlIHNhbXBsZSBub25jZQAA", 24, accept));
  assert_false(or_ws_accept_key("dGhlIHNhbXBsZ\"Bub25jZQ==", 24, accept));
  assert_false(or_ws_accept_key(NULL, 0, accept));
  char key[OR_WS_KEY_BYTES];
  or_ws_make_key((const uint8_t *)"the sample nonce", key);
  assert_memory_equal(key, "dGhlIHNhbXBsZSBub25jZQ==", sizeof key);
}

/* A server's frames are not masked (RFC 6455 section 5.7). */
static void reads_frames_of_a_server(void **state) {
  (void)state;
  static const uint8_t hello[] = {0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f};
  uint8_t longer[4 + 200] = {0x82, 126, 0, 200}, empty[] = {0x89, 0};
  or_ws_reader_deinit(&reader);
  or_ws_reader_init(&reader, or_allocator_system(), 1000, OR_WS_SERVER);
  for (size_t step = 1; step <= sizeof hello; ++step) {
    assert_int_equal(read_all(hello, sizeof hello, step), 0);
    assert_true(event.kind == OR_WS_MESSAGE && event.opcode == OR_WS_TEXT && event.length == 5);
    assert_memory_equal(event.data, "Hello", 5);
  }
  assert_int_equal(read_all(empty, sizeof empty, 1), 0);
  assert_true(event.kind == OR_WS_CONTROL && event.opcode == OR_WS_PING && event.length == 0);
  memset(longer + 4, 'y', 200);
  assert_int_equal(read_all(longer, sizeof longer, 3), 0);
  assert_true(event.kind == OR_WS_MESSAGE && event.length == 200 && event.data[199] == 'y');
  assert_int_equal(read_all((const uint8_t *)"\x81\x85", 2, 2), OR_WS_PROTOCOL_ERROR); /* masked */
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      CASE(reads_the_example_of_the_rfc),
      CASE(puts_fragments_together_with_a_ping_between_them),
      CASE(closes_for_what_the_protocol_forbids),
      CASE(knows_the_codes_of_a_close),
      CASE(writes_headers_of_every_size),
      CASE(answers_the_key_of_the_rfc),
      CASE(reads_frames_of_a_server),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
