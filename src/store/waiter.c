#include "store/store.h"

void or_store_waiter_init(or_store_waiter_t *waiter) {
  or_mutex_init(&waiter->lock);
  or_cond_init(&waiter->changed);
  waiter->status = or_status_success();
  waiter->called = false;
}

void or_store_waiter_done(void *opaque, or_status_t status) {
  or_store_waiter_t *waiter = opaque;
  or_mutex_lock(&waiter->lock);
  waiter->status = status;
  waiter->called = true;
  or_cond_signal(&waiter->changed);
  or_mutex_unlock(&waiter->lock);
}

or_status_t or_store_waiter_wait(or_store_waiter_t *waiter, or_status_t begun) {
  or_mutex_lock(&waiter->lock);
  while (or_ok(begun) && !waiter->called) or_cond_wait(&waiter->changed, &waiter->lock);
  or_mutex_unlock(&waiter->lock);
  or_cond_deinit(&waiter->changed);
  or_mutex_deinit(&waiter->lock);
  return or_ok(begun) ? waiter->status : begun;
}
