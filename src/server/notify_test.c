/* The datagrams as a service manager's socket receives them; the forms are those of sd_notify(3). */
#include "server/notify.h"

#include "base/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static int bound(const struct sockaddr_un *address, socklen_t bytes) {
  const struct timeval patience = {.tv_sec = 30};
  int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_true(descriptor >= 0);
  assert_int_equal(bind(descriptor, (const struct sockaddr *)address, bytes), 0);
  (void)setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return descriptor;
}

static void expect_datagram(int descriptor, const char *expected) {
  char text[256] = "";
  ssize_t length = recv(descriptor, text, sizeof text - 1, 0);
  assert_int_equal(length, strlen(expected));
  assert_string_equal(text, expected);
}

static void sends_to_a_path(void **state) {
  (void)state;
  char folder[] = "/tmp/or-notify-XXXXXX";
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  or_notify_t notify;
  assert_non_null(mkdtemp(folder));
  (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
  int manager = bound(&address, sizeof address);
  expect_ok(or_notify_open(address.sun_path, &notify));
  expect_ok(or_notify_send(&notify, "READY=1\nSTATUS=here"));
  expect_datagram(manager, "READY=1\nSTATUS=here");
  (void)close(manager);
  (void)unlink(address.sun_path);
  expect_failure(or_notify_send(&notify, "READY=1"), OR_UNAVAILABLE, "NOTIFY_SOCKET");
  or_notify_close(&notify);
  (void)rmdir(folder);
}

static void sends_to_an_abstract_name(void **state) {
  (void)state;
  char path[64];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  or_notify_t notify;
  int length = snprintf(path, sizeof path, "@openruntime-notify-test-%ld", (long)getpid());
  memcpy(address.sun_path + 1, path + 1, (size_t)length - 1);
  int manager = bound(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length));
  expect_ok(or_notify_open(path, &notify));
  expect_ok(or_notify_send(&notify, "STOPPING=1"));
  expect_datagram(manager, "STOPPING=1");
  or_notify_close(&notify);
  (void)close(manager);
}

static void sends_nothing_where_nobody_listens(void **state) {
  (void)state;
  or_notify_t notify;
  expect_ok(or_notify_open(NULL, &notify));
  expect_ok(or_notify_send(&notify, "READY=1"));
  or_notify_close(&notify);
  expect_ok(or_notify_open("", &notify));
  expect_ok(or_notify_send(&notify, "READY=1"));
  or_notify_close(&notify);
}

static void refuses_what_is_no_address(void **state) {
  (void)state;
  char path[200];
  or_notify_t notify;
  expect_failure(or_notify_open("relative/socket", &notify), OR_INVALID_ARGUMENT, "\"relative/socket\" is neither");
  or_notify_close(&notify);
  memset(path, 'x', sizeof path - 1);
  path[0] = '/', path[sizeof path - 1] = '\0';
  expect_failure(or_notify_open(path, &notify), OR_INVALID_ARGUMENT, "199 bytes; the limit is 107");
  or_notify_close(&notify);
}

static void halves_the_watchdogs_time(void **state) {
  (void)state;
  assert_int_equal(or_notify_watchdog_ms("30000000", NULL, 7), 15000);
  assert_int_equal(or_notify_watchdog_ms("30000000", "7", 7), 15000);
  assert_int_equal(or_notify_watchdog_ms("100", NULL, 7), 1);
}

static void has_no_watchdog_without_a_good_number_of_its_own(void **state) {
  (void)state;
  static const char *const bad[] = {"", "0", "-5", "12x", "x", "1e6", "99999999999999999999999", "86400000001"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) assert_int_equal(or_notify_watchdog_ms(bad[i], NULL, 7), 0);
  assert_int_equal(or_notify_watchdog_ms(NULL, NULL, 7), 0);
  assert_int_equal(or_notify_watchdog_ms("30000000", "8", 7), 0);
  assert_int_equal(or_notify_watchdog_ms("30000000", "", 7), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sends_to_a_path),
      cmocka_unit_test(sends_to_an_abstract_name),
      cmocka_unit_test(sends_nothing_where_nobody_listens),
      cmocka_unit_test(refuses_what_is_no_address),
      cmocka_unit_test(halves_the_watchdogs_time),
      cmocka_unit_test(has_no_watchdog_without_a_good_number_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
