#include "client/address.h"

#include "base/testing.h"

static or_client_address_t address;

static void expect_base(const char *url, const char *base, bool loopback) {
  expect_ok(or_client_address_parse(url, &address));
  assert_string_equal(address.base, base);
  assert_string_equal(address.unix_path, "");
  assert_int_equal(address.loopback, loopback);
}

static void takes_what_people_write(void **state) {
  (void)state;
  expect_base("http://localhost:8000", "http://localhost:8000", true);
  expect_base("localhost:8000", "http://localhost:8000", true);
  expect_base("HTTPS://example.org/", "HTTPS://example.org", false);
  expect_base("https://example.org:443/openruntime//", "https://example.org:443/openruntime", false);
  expect_base("http://127.0.0.1", "http://127.0.0.1", true);
  expect_base("http://[::1]:8000", "http://[::1]:8000", true);
  expect_base("http://[fe80::1]", "http://[fe80::1]", false);
  expect_base("gpu7", "http://gpu7", false);
}

static void takes_unix_sockets(void **state) {
  static const char *const urls[] = {"unix:/run/o r.sock", "unix:///run/o r.sock", "http+unix://%2Frun%2fo%20r.sock"};
  (void)state;
  for (size_t i = 0; i < sizeof urls / sizeof *urls; ++i) {
    expect_ok(or_client_address_parse(urls[i], &address));
    assert_string_equal(address.unix_path, "/run/o r.sock");
    assert_string_equal(address.base, "http://localhost");
    assert_true(address.loopback);
  }
}

static void refuses_what_is_no_address(void **state) {
  static const struct {
    const char *url, *words;
  } wrong[] = {
      {"ftp://host", "there are http://HOST:PORT"},
      {"ws://host", "there are http://HOST:PORT"},
      {"", "the host is missing"},
      {"http://", "the host is missing"},
      {"http://:80", "the host is missing"},
      {"http:///path", "the host is missing"},
      {"http://host:0", "a port is"},
      {"http://host:65536", "a port is"},
      {"http://host:8o", "a port is"},
      {"http://host:", "a port is"},
      {"http://[::1]:x", "a port is"},
      {"http://user@host", "\"@\" has no place"},
      {"http://host?x=1", "\"?\" has no place"},
      {"http://host#x", "\"#\" has no place"},
      {"http://ho st", "\" \" has no place"},
      {"http://host/\x7f", "has no place"},
      {"unix:", "the socket's path is missing"},
      {"http+unix://", "the socket's path is missing"},
      {"http+unix:///run", "written %2F"},
      {"http+unix://%2", "a wrong %XX"},
      {"http+unix://%g0", "a wrong %XX"},
      {"http+unix://%00", "a wrong %XX"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i)
    expect_failure(or_client_address_parse(wrong[i].url, &address), OR_INVALID_ARGUMENT, wrong[i].words);
}

static void refuses_what_is_too_long(void **state) {
  char url[OR_CLIENT_URL_BYTES + 1];
  (void)state;
  memset(url, 'a', sizeof url - 1);
  url[sizeof url - 1] = '\0';
  expect_failure(or_client_address_parse(url, &address), OR_INVALID_ARGUMENT, "at most 2048 bytes");
  memcpy(url, "unix:", 5);
  expect_failure(or_client_address_parse(url, &address), OR_INVALID_ARGUMENT, "at most 107 bytes");
  url[5 + OR_CLIENT_SOCKET_BYTES - 1] = '\0';
  expect_ok(or_client_address_parse(url, &address));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_what_people_write),
      cmocka_unit_test(takes_unix_sockets),
      cmocka_unit_test(refuses_what_is_no_address),
      cmocka_unit_test(refuses_what_is_too_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
