/* Parts of bodies, in memory and in files, over real sockets of loopback. */
#include "base/file.h"
#include "server/net_internal.h"
#include "server/net_test_internal.h"

#define HOST "Host: localhost\r\n"
#define BYTES (3 * OR_REPLY_PIECE_BYTES + 13)
#define TAG "\"of-this-content\""

static char folder[] = "/tmp/openruntime-XXXXXX", path[sizeof folder + 8];
static char *content;
static _Atomic int released;

static void release(void *self) { (void)self, (void)atomic_fetch_add(&released, 1); }
static void send_bytes(or_request_t *request) {
  or_reply_bytes(request, "application/octet-stream", content, BYTES, (or_owner_t){NULL, release});
  or_reply_ranges(request, TAG);
}
static void send_nothing(or_request_t *request) {
  or_reply_bytes(request, "application/octet-stream", content, 0, (or_owner_t){NULL, release});
  or_reply_ranges(request, TAG);
}
static void send_file(or_request_t *request) {
  or_file_t *file = NULL;
  expect_ok(or_file_open(request->allocator, path, &file));
  expect_ok(or_reply_file(request, "application/octet-stream", file));
  or_reply_ranges(request, TAG);
  or_file_release(file);
}
static const or_route_t routes[] = {{.method = OR_HTTP_GET, .pattern = "/bytes", .handle = send_bytes},
                                    {.method = OR_HTTP_GET, .pattern = "/file", .handle = send_file},
                                    {.method = OR_HTTP_GET, .pattern = "/nothing", .handle = send_nothing}};

static int begin(void **state) {
  (void)state;
  atomic_store(&released, 0);
  or_net_options_t options = net_options(routes, sizeof routes / sizeof *routes);
  start_net(&options);
  return 0;
}

/* The status of a request with these headers; the head of the answer is in `answer`. */
static int ask_for(int client, const char *method_and_path, const char *headers) {
  char text[512];
  (void)or_format(text, sizeof text, "%s HTTP/1.1\r\n" HOST "%s\r\n", method_and_path, headers);
  say(client, text);
  return hear_answer(client, true);
}

static void hear_content(int client, size_t from, size_t length) {
  char *got = malloc(length + 1);
  hear_bytes(client, got, length);
  assert_memory_equal(got, content + from, length);
  free(got);
}

/* Both kinds of body, on one connection: a byte too many or too few would spoil the next answer. */
static void hears(int status, const char *headers, size_t first, size_t count) {
  static const char *const paths[] = {"GET /bytes", "GET /file"};
  char expected[128];
  int client = dial();
  for (size_t i = 0; i < 2; ++i) {
    if (ask_for(client, paths[i], headers) != status) fail_msg("%s: not %d: %s", headers, status, answer);
    (void)or_format(expected, sizeof expected, "\r\nContent-Length: %zu\r\n", count);
    expect_in_answer(expected);
    expect_in_answer("\r\nAccept-Ranges: bytes\r\n");
    expect_in_answer("\r\nETag: " TAG "\r\n");
    (void)or_format(expected, sizeof expected, "\r\nContent-Range: bytes %zu-%zu/%zu\r\n", first, first + count - 1,
                    BYTES);
    if (status == 206) expect_in_answer(expected);
    if (status == 200) assert_null(strstr(answer, "Content-Range"));
    hear_content(client, first, count);
  }
  (void)close(client);
}

static void sends_the_part_that_is_asked_for(void **state) {
  (void)state;
  hears(206, "Range: bytes=0-0\r\n", 0, 1);
  hears(206, "Range: bytes=0-99\r\n", 0, 100);
  hears(206, "Range: Bytes=7-\r\n", 7, BYTES - 7);
  hears(206, "Range: bytes=-5\r\n", BYTES - 5, 5);
  hears(206, "Range: bytes=65530-65545\r\n", 65530, 16); /* from one piece of a file to the next */
  hears(206, "Range: bytes=65536-196620\r\n", 65536, 131085);
  hears(206, "Range: bytes=100-99999999999999999999999999\r\n", 100, BYTES - 100);
  hears(206, "Range: bytes=10-19\r\nIf-Range: " TAG "\r\n", 10, 10);
  assert_int_equal(atomic_load(&released), 8);
}

static void sends_all_of_it_as_a_part(void **state) {
  (void)state;
  hears(206, "Range: bytes=0-\r\n", 0, BYTES);
  hears(206, "Range: bytes=-99999999\r\n", 0, BYTES);
  expect_in_answer("HTTP/1.1 206 Partial Content\r\n");
}

static void sends_all_of_it_where_it_does_not_know_the_part(void **state) {
  (void)state;
  static const char *const headers[] = {"",
                                        "Range: bytes=0-1,3-4\r\n",
                                        "Range: lines=0-1\r\n",
                                        "Range: bytes=\r\n",
                                        "Range: bytes=-\r\n",
                                        "Range: bytes=a-b\r\n",
                                        "Range: bytes=5\r\n",
                                        "Range: bytes=5-4\r\n",
                                        "Range: bytes=1-2 \xc3\xa9\r\n",
                                        "Range: bytes=0-1\r\nIf-Range: \"another\"\r\n",
                                        "Range: bytes=0-1\r\nIf-Range: W/" TAG "\r\n",
                                        "Range: bytes=0-1\r\nIf-Range: Sat, 29 Oct 1994 19:43:31 GMT\r\n"};
  for (size_t i = 0; i < sizeof headers / sizeof *headers; ++i) hears(200, headers[i], 0, BYTES);
}

static void says_that_there_is_no_such_part(void **state) {
  (void)state;
  static const char *const requests[][2] = {{"GET /bytes", "Range: bytes=196621-\r\n"},
                                            {"GET /file", "Range: bytes=196621-196622\r\n"},
                                            {"GET /bytes", "Range: bytes=99999999999999999999999999-\r\n"},
                                            {"GET /file", "Range: bytes=-0\r\n"}};
  int client = dial();
  for (size_t i = 0; i < sizeof requests / sizeof *requests; ++i) {
    char text[256];
    (void)or_format(text, sizeof text, "%s HTTP/1.1\r\n" HOST "%s\r\n", requests[i][0], requests[i][1]);
    assert_int_equal(ask(client, text), 416);
    expect_in_answer("\r\nContent-Range: bytes */196621\r\n");
    expect_in_answer("\"error_code\":\"out_of_range\"");
  }
  assert_int_equal(atomic_load(&released), 2);
  assert_int_equal(ask(client, "GET /nothing HTTP/1.1\r\n" HOST "Range: bytes=0-\r\n\r\n"), 416);
  assert_int_equal(ask(client, "GET /nothing HTTP/1.1\r\n" HOST "Range: bytes=-1\r\n\r\n"), 200);
  (void)close(client);
}

static void a_head_is_of_all_of_it(void **state) {
  (void)state;
  int client = dial();
  assert_int_equal(ask_for(client, "HEAD /file", "Range: bytes=0-1\r\n"), 200);
  expect_in_answer("\r\nContent-Length: 196621\r\n");
  expect_in_answer("\r\nAccept-Ranges: bytes\r\n");
  assert_int_equal(ask_for(client, "GET /file", "Range: bytes=2-3\r\n"), 206);
  hear_content(client, 2, 2);
  (void)close(client);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end_net)
  const struct CMUnitTest tests[] = {
      CASE(sends_the_part_that_is_asked_for),
      CASE(sends_all_of_it_as_a_part),
      CASE(sends_all_of_it_where_it_does_not_know_the_part),
      CASE(says_that_there_is_no_such_part),
      CASE(a_head_is_of_all_of_it),
  };
  if (mkdtemp(folder) == NULL || (content = malloc(BYTES)) == NULL) return 1;
  (void)or_format(path, sizeof path, "%s/file", folder);
  for (size_t i = 0; i < BYTES; ++i) content[i] = (char)(i * 2654435761u >> 24);
  if (!or_ok(or_file_write(path, content, BYTES))) return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  (void)unlink(path);
  (void)rmdir(folder);
  free(content);
  return failed;
}
