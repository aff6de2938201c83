#ifndef OR_SERVER_MAILBOX_H
#define OR_SERVER_MAILBOX_H
/* Messages from any thread to the thread of one loop, in the order in which they were sent; without a lock. */

#include <stdatomic.h>
#include <uv.h>

#include "openruntime/status.h"

typedef struct or_mail_t or_mail_t;
struct or_mail_t {
  or_mail_t *next;
  void (*run)(or_mail_t *mail); /* on the loop's thread; the mail is its own again */
};

typedef struct or_mailbox_t {
  uv_async_t async;
  _Atomic(or_mail_t *) newest;
} or_mailbox_t;

/* On the loop's thread, or before it runs. RESOURCE_EXHAUSTED. */
or_status_t or_mailbox_init(or_mailbox_t *mailbox, uv_loop_t *loop);
/* Closes the handle of the loop; nothing may be sent after that. On the loop's thread. */
void or_mailbox_close(or_mailbox_t *mailbox);
/* Any thread. Wakes the loop only if the box was empty. */
void or_mailbox_send(or_mailbox_t *mailbox, or_mail_t *mail);

#endif
