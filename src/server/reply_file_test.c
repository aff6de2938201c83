/* Bodies that lie in files, over real sockets of loopback. */
#include <fcntl.h>

#include "base/file.h"
#include "server/net_internal.h"
#include "server/net_test_internal.h"

#define HOST "Host: localhost\r\n"
#define BYTES (((size_t)24 << 20) + 13) /* more than sockets hold; no whole number of pieces */

static char folder[] = "/tmp/openruntime-XXXXXX", path[sizeof folder + 8];
static char *content;
static bool refuse; /* memory for the piece */

static or_status_t reply_with_file(or_request_t *request) {
  or_file_t *file = NULL;
  or_status_t status = or_file_open(request->allocator, path, &file);
  if (or_ok(status) && refuse) counting.fail_at = counting.alloc_count + 1;
  if (or_ok(status)) status = or_reply_file(request, "application/octet-stream", file);
  counting.fail_at = 0;
  or_file_release(file);
  return status;
}
static void send_file(or_request_t *request) {
  or_status_t status = reply_with_file(request);
  if (!or_ok(status)) or_reply_failure(request, status);
}
static void hello(or_request_t *request) { or_reply_text(request, "text/plain", "hello", 5); }
static const or_route_t routes[] = {{.method = OR_HTTP_GET, .pattern = "/file", .handle = send_file},
                                    {.method = OR_HTTP_GET, .pattern = "/hello", .handle = hello}};

static void write_content(size_t bytes) { expect_ok(or_file_write(path, content, bytes)); }

static int begin(void **state) {
  (void)state;
  refuse = false;
  write_content(BYTES);
  or_net_options_t options = net_options(routes, sizeof routes / sizeof *routes);
  start_net(&options);
  return 0;
}

/* The head of an answer, which has BYTES of body to come. */
static void hear_head(int client) {
  char length[64];
  assert_int_equal(hear_answer(client, true), 200);
  (void)or_format(length, sizeof length, "\r\nContent-Length: %zu\r\n", BYTES);
  expect_in_answer(length);
}

static void hear_content(int client, size_t from, size_t length) {
  static char got[1 << 16];
  for (size_t at = from; at < from + length;) {
    const size_t piece = from + length - at < sizeof got ? from + length - at : sizeof got;
    hear_bytes(client, got, piece);
    assert_memory_equal(got, content + at, piece);
    at += piece;
  }
}

static void sends_all_of_it_from_little_memory(void **state) {
  (void)state;
  int client = dial_with(4096);
  say(client, "GET /file HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
  hear_head(client);
  hear_content(client, 0, BYTES);
  assert_int_equal(hear_answer(client, false), 200); /* what came behind it */
  assert_string_equal(answer_body, "hello");
  assert_true(counting.peak_bytes < (size_t)1 << 20);
  (void)close(client);
}

static void says_how_long_it_is_without_sending_it(void **state) {
  (void)state;
  int client = dial();
  say(client, "HEAD /file HTTP/1.1\r\n" HOST "\r\n");
  hear_head(client);
  assert_int_equal(ask(client, "GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200);
  (void)close(client);
}

static void sends_what_one_piece_holds(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, OR_REPLY_PIECE_BYTES, OR_REPLY_PIECE_BYTES + 1};
  int client = dial();
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    write_content(sizes[i]);
    say(client, "GET /file HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(hear_answer(client, true), 200);
    hear_content(client, 0, sizes[i]);
  }
  (void)close(client);
}

static void lets_go_of_it_when_the_client_leaves(void **state) {
  (void)state;
  for (size_t i = 0; i < 8; ++i) {
    int client = dial_with(4096);
    say(client, "GET /file HTTP/1.1\r\n" HOST "\r\n");
    hear_head(client);
    hear_content(client, 0, i * 100000);
    (void)close(client);
  } /* `end_net` counts what is left */
}

static void ends_the_connection_where_the_file_has_changed(void **state) {
  (void)state;
  int client = dial_with(4096), descriptor = open(path, O_WRONLY | O_CLOEXEC);
  say(client, "GET /file HTTP/1.1\r\n" HOST "\r\n");
  hear_head(client);
  assert_true(descriptor >= 0);
  assert_int_equal(ftruncate(descriptor, 1000), 0); /* most of it is not read yet: nobody has taken it */
  (void)close(descriptor);
  static char got[1 << 16];
  size_t heard = 0;
  for (ssize_t count; (count = hear_some(client, got, sizeof got)) > 0; heard += (size_t)count)
    assert_memory_equal(got, content + heard, (size_t)count);
  assert_true(heard < BYTES);
  (void)close(client);
  write_content(BYTES);
  client = dial();
  say(client, "GET /file HTTP/1.1\r\n" HOST "\r\n");
  hear_head(client);
  hear_content(client, 0, BYTES);
  (void)close(client);
}

/* More than a loop has reads under way: the others wait their turn. */
static void sends_it_to_many_at_once(void **state) {
  (void)state;
  int clients[4 * OR_LOOP_FILE_READS];
  const size_t count = sizeof clients / sizeof *clients;
  write_content(BYTES / 8);
  for (size_t i = 0; i < count; ++i) clients[i] = dial_with(4096);
  for (size_t i = 0; i < count; ++i) say(clients[i], "GET /file HTTP/1.1\r\n" HOST "\r\n");
  for (size_t i = 0; i < count; ++i) {
    if (i % 4 != 3) { /* every fourth leaves without having read anything */
      assert_int_equal(hear_answer(clients[i], true), 200);
      hear_content(clients[i], 0, BYTES / 8);
    }
    (void)close(clients[i]);
  }
  write_content(BYTES);
}

static void refuses_it_for_want_of_memory(void **state) {
  (void)state;
  int client = dial();
  refuse = true;
  assert_int_equal(ask(client, "GET /file HTTP/1.1\r\n" HOST "\r\n"), 507);
  expect_in_answer("resource_exhausted");
  refuse = false;
  say(client, "GET /file HTTP/1.1\r\n" HOST "\r\n");
  hear_head(client);
  hear_content(client, 0, BYTES);
  (void)close(client);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end_net)
  const struct CMUnitTest tests[] = {
      CASE(sends_all_of_it_from_little_memory),
      CASE(says_how_long_it_is_without_sending_it),
      CASE(sends_what_one_piece_holds),
      CASE(lets_go_of_it_when_the_client_leaves),
      CASE(ends_the_connection_where_the_file_has_changed),
      CASE(sends_it_to_many_at_once),
      CASE(refuses_it_for_want_of_memory),
  };
  if (mkdtemp(folder) == NULL || (content = malloc(BYTES)) == NULL) return 1;
  (void)or_format(path, sizeof path, "%s/file", folder);
  for (size_t i = 0; i < BYTES; ++i) content[i] = (char)(i * 2654435761u >> 24);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  (void)unlink(path);
  (void)rmdir(folder);
  free(content);
  return failed;
}
