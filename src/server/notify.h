#ifndef OR_SERVER_NOTIFY_H
#define OR_SERVER_NOTIFY_H
/* What a service manager is told, by the protocol of sd_notify(3): lines NAME=VALUE, a datagram each time. */

#include <sys/socket.h>
#include <sys/un.h>

#include "openruntime/status.h"

/* Belongs to one thread. */
typedef struct or_notify_t {
  int descriptor; /* -1: nobody listens, and nothing is sent */
  struct sockaddr_un address;
  socklen_t address_bytes;
} or_notify_t;
#define OR_NOTIFY_BYTES 1024 /* of a message */

/* path: NOTIFY_SOCKET's value, absolute, or '@' and a name in the abstract space; NULL or "": nobody listens.
 * INVALID_ARGUMENT: neither, or too long; UNAVAILABLE: no socket. `notify` is to be closed in any case. */
or_status_t or_notify_open(const char *path, or_notify_t *notify);
/* Sends the lines of `state`. Waits a second at most. UNAVAILABLE: not taken. */
or_status_t or_notify_send(const or_notify_t *notify, const char *state);
void or_notify_close(or_notify_t *notify);

/* How often a sign of life is due, ms: half of WATCHDOG_USEC's value. 0 when there is none, when it is no number, or
 * when WATCHDOG_PID names another process than `pid`. Both may be NULL. */
int64_t or_notify_watchdog_ms(const char *usec, const char *watchdog_pid, long pid);

#endif
