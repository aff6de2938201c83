#include "server/mailbox.h"

static void on_wake(uv_async_t *async) {
  or_mailbox_t *mailbox = async->data;
  or_mail_t *newest = atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire), *oldest = NULL;
  while (newest != NULL) {
    or_mail_t *next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest != NULL) {
    or_mail_t *mail = oldest;
    oldest = mail->next;
    mail->run(mail);
  }
}

or_status_t or_mailbox_init(or_mailbox_t *mailbox, uv_loop_t *loop) {
  atomic_init(&mailbox->newest, NULL);
  int error = uv_async_init(loop, &mailbox->async, on_wake);
  if (error != 0) return or_error(OR_RESOURCE_EXHAUSTED, "a loop's mailbox: %s", uv_strerror(error));
  mailbox->async.data = mailbox;
  return or_status_success();
}

void or_mailbox_close(or_mailbox_t *mailbox) { uv_close((uv_handle_t *)&mailbox->async, NULL); }

void or_mailbox_send(or_mailbox_t *mailbox, or_mail_t *mail) {
  or_mail_t *newest = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);
  do {
    mail->next = newest;
  } while (!atomic_compare_exchange_weak_explicit(&mailbox->newest, &newest, mail, memory_order_release,
                                                  memory_order_relaxed));
  if (newest == NULL) (void)uv_async_send(&mailbox->async);
}
