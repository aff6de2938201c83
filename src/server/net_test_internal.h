#ifndef OR_SERVER_NET_TEST_INTERNAL_H
#define OR_SERVER_NET_TEST_INTERNAL_H
/* For unit tests only: a net on a free port of loopback, and a client that speaks in bytes. */

#include "base/testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/string.h"
#include "base/thread.h"
#include "server/net.h"

static or_net_t *net;
static or_counting_allocator_t counting;

static inline or_net_options_t net_options(const or_route_t *routes, size_t count) {
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  return (or_net_options_t){.allocator = &counting.base,
                            .routes = routes,
                            .route_count = count,
                            .host = "127.0.0.1",
                            .loops = 1,
                            .limits = or_limits_default(),
                            .name = "test"};
}

static inline void start_net(const or_net_options_t *options) {
  expect_ok(or_net_start(options, &net));
  or_net_set_phase(net, OR_NET_READY);
}

static inline void stop_net(void) {
  or_net_stop(net);
  net = NULL;
  assert_int_equal(counting.live_blocks, 0);
  assert_int_equal(or_status_live_count(), 0);
}

static inline int end_net(void **state) {
  (void)state;
  stop_net();
  return 0;
}

/* A client that never waits longer than a broken test should. */
static inline int dial_with(int receive_buffer) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)or_net_port(net))};
  struct timeval patience = {.tv_sec = 30};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(client >= 0);
  (void)setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  (void)setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (receive_buffer > 0) (void)setsockopt(client, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
  return client;
}
static inline int dial(void) { return dial_with(0); }

static inline void say(int client, const char *text) {
  size_t length = strlen(text);
  assert_int_equal(send(client, text, length, MSG_NOSIGNAL), length);
}

static char answer[1 << 16];
static char *answer_body;

/* recv, which a time-out of the socket makes end early where the kernel has work for the thread (io_uring's, since
 * libuv 1.45), though no signal came. */
static inline ssize_t hear_some(int client, char *to, size_t length) {
  ssize_t count = -1;
  do count = recv(client, to, length, 0);
  while (count < 0 && errno == EINTR);
  return count;
}

/* Exactly so many bytes. */
static inline void hear_bytes(int client, char *to, size_t length) {
  for (size_t at = 0; at < length;) {
    ssize_t count = hear_some(client, to + at, length - at);
    if (count <= 0) fail_msg("the connection ended after %zu of %zu bytes", at, length);
    at += (size_t)count;
  }
}

/* One answer, by its Content-Length, into `answer`; its status. `head`: it has no body. */
static inline int hear_answer(int client, bool head) {
  size_t at = 0;
  answer[0] = '\0';
  while (strstr(answer, "\r\n\r\n") == NULL) {
    assert_true(at + 1 < sizeof answer);
    hear_bytes(client, answer + at, 1);
    answer[++at] = '\0';
  }
  answer_body = answer + at;
  const char *field = strstr(answer, "Content-Length: ");
  size_t length = field != NULL && !head ? strtoul(field + 16, NULL, 10) : 0;
  assert_true(at + length < sizeof answer);
  hear_bytes(client, answer_body, length);
  answer_body[length] = '\0';
  return (int)strtol(answer + 9, NULL, 10);
}

static inline bool is_over(int client) {
  char byte;
  return hear_some(client, &byte, 1) <= 0;
}

static inline int ask(int client, const char *text) {
  say(client, text);
  return hear_answer(client, strncmp(text, "HEAD", 4) == 0);
}
#define expect_in_answer(words)                                                      \
  do {                                                                               \
    if (strstr(answer, (words)) == NULL) fail_msg("%s is not in %s", words, answer); \
  } while (0)

#endif
