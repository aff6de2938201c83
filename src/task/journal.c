#include "task/journal.h"

#include <errno.h>
#include <string.h>
#if defined(__APPLE__)
#include <sys/random.h>
#else
#include <unistd.h>
#endif

#include "base/clock.h"
#include "base/string.h"
#include "base/thread.h"

static const char *const state_names[OR_TASK_STATE_COUNT] = {"pending", "running",   "completed",
                                                             "failed",  "cancelled", "timeout"};

const char *or_task_state_name(or_task_state_t state) {
  return (unsigned)state < OR_TASK_STATE_COUNT ? state_names[state] : "invalid";
}

bool or_task_state_from_name(const char *name, or_task_state_t *out) {
  for (size_t i = 0; name != NULL && i < OR_TASK_STATE_COUNT; ++i) {
    if (strcmp(name, state_names[i]) != 0) continue;
    *out = (or_task_state_t)i;
    return true;
  }
  return false;
}

bool or_task_id_valid(const char *task_id) {
  size_t length = task_id != NULL ? strnlen(task_id, OR_TASK_ID_BYTES) : 0;
  if (length == 0 || length >= OR_TASK_ID_BYTES) return false;
  return strspn(task_id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-") == length;
}

#define RANDOM_BYTES 10
#define ID_BYTES (6 + RANDOM_BYTES) /* 128 bits, the time first */

#define POOL_IDS 32

/* Random bytes of the next ids, so that the system is asked once for many. */
static uint8_t pool[POOL_IDS * RANDOM_BYTES]; /* under last_lock */
static size_t pool_left;                      /* likewise */

/* The last id made: a later one in the same millisecond, or after the clock was set back, is the next number. */
static or_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t last_id[ID_BYTES]; /* under last_lock */

/* With last_lock held. Bytes that were used are no longer there to be read. */
static bool draw(uint8_t out[RANDOM_BYTES]) {
  if (pool_left == 0 && getentropy(pool, sizeof pool / 2) == 0 &&
      getentropy(pool + sizeof pool / 2, sizeof pool / 2) == 0)
    pool_left = POOL_IDS;
  if (pool_left == 0) return false;
  uint8_t *bytes = pool + --pool_left * RANDOM_BYTES;
  memcpy(out, bytes, RANDOM_BYTES);
  memset(bytes, 0, RANDOM_BYTES);
  return true;
}

/* The next number; after the last there is none, which takes 2^80 ids in a millisecond. */
static void increment(uint8_t id[ID_BYTES]) {
  for (size_t i = ID_BYTES; i-- > 0;) {
    if (++id[i] != 0) return;
  }
}

/* 26 digits of 5 bits, of which the first holds 3. */
static void write_base32(const uint8_t id[ID_BYTES], char *text) {
  static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  unsigned window = 0, bits = 2; /* two zero bits in front make 130 */
  size_t length = 0;
  for (size_t i = 0; i < ID_BYTES; ++i) {
    window = (window << 8 | id[i]) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text[length++] = digits[window >> (bits - 5) & 31];
  }
  text[length] = '\0';
}

or_status_t or_task_id_make(char task_id[OR_TASK_ID_BYTES]) {
  uint8_t id[ID_BYTES];
  uint64_t milliseconds = (uint64_t)(or_clock_wall_us() / 1000);
  for (size_t i = 0; i < 6; ++i) id[i] = (uint8_t)(milliseconds >> (40 - 8 * i));
  or_mutex_lock(&last_lock);
  if (!draw(id + 6)) {
    char words[128];
    (void)or_errno_text(errno, words, sizeof words);
    or_mutex_unlock(&last_lock);
    return or_error(OR_UNAVAILABLE, "the system gives no random bytes: %s", words);
  }
  if (memcmp(id, last_id, 6) <= 0) {
    memcpy(id, last_id, sizeof id);
    increment(id);
  }
  memcpy(last_id, id, sizeof id);
  or_mutex_unlock(&last_lock);
  write_base32(id, task_id);
  return or_status_success();
}
