#include "server/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/string.h"

#define SEND_TIMEOUT_S 1
#define WATCHDOG_MAX_US (INT64_C(86400) * 1000000)

or_status_t or_notify_open(const char *path, or_notify_t *notify) {
  char buffer[128];
  *notify = (or_notify_t){.descriptor = -1, .address.sun_family = AF_UNIX};
  if (path == NULL || path[0] == '\0') return or_status_success();
  size_t length = strlen(path);
  if (path[0] != '/' && path[0] != '@')
    return or_error(OR_INVALID_ARGUMENT, "NOTIFY_SOCKET: \"%.100s\" is neither an absolute path nor @ and a name",
                    path);
  if (length >= sizeof notify->address.sun_path)
    return or_error(OR_INVALID_ARGUMENT, "NOTIFY_SOCKET: %zu bytes; the limit is %zu", length,
                    sizeof notify->address.sun_path - 1);
  memcpy(notify->address.sun_path, path, length);
  if (path[0] == '@') notify->address.sun_path[0] = '\0';
  notify->address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length); /* a name has no terminator */
  notify->descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (notify->descriptor < 0)
    return or_error(OR_UNAVAILABLE, "NOTIFY_SOCKET: %s", or_errno_text(errno, buffer, sizeof buffer));
  const struct timeval patience = {.tv_sec = SEND_TIMEOUT_S};
  (void)setsockopt(notify->descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return or_status_success();
}

or_status_t or_notify_send(const or_notify_t *notify, const char *state) {
  char buffer[128];
  if (notify->descriptor < 0) return or_status_success();
  size_t length = strlen(state);
  ssize_t sent = sendto(notify->descriptor, state, length, MSG_NOSIGNAL, (const struct sockaddr *)&notify->address,
                        notify->address_bytes);
  if (sent == (ssize_t)length) return or_status_success();
  return or_error(OR_UNAVAILABLE, "NOTIFY_SOCKET: %s", or_errno_text(errno, buffer, sizeof buffer));
}

void or_notify_close(or_notify_t *notify) {
  if (notify->descriptor >= 0) (void)close(notify->descriptor);
  notify->descriptor = -1;
}

/* A whole decimal number from 1; 0: none. */
static int64_t positive(const char *text) {
  char *end = NULL;
  if (text == NULL || text[0] < '0' || text[0] > '9') return 0;
  errno = 0;
  long long number = strtoll(text, &end, 10);
  return *end == '\0' && errno == 0 ? (int64_t)number : 0;
}

int64_t or_notify_watchdog_ms(const char *usec, const char *watchdog_pid, long pid) {
  int64_t us = positive(usec);
  if (us == 0 || us > WATCHDOG_MAX_US) return 0;
  if (watchdog_pid != NULL && positive(watchdog_pid) != pid) return 0;
  return us >= 2000 ? us / 2000 : 1;
}
