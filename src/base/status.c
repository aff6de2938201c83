#include "openruntime/status.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/string.h"

/* Failures that may be alive at once with a message of their own. */
#define POOL_RECORDS 256
#define POOL_WORDS (POOL_RECORDS / 64)

typedef struct or_status_record_t {
  or_status_code_t code;
  const char *place;
  char message[OR_STATUS_MESSAGE_BYTES];
} or_status_record_t;

static or_status_record_t *take_record(void);
static void give_back(const or_status_record_t *record);
static bool is_pooled(const or_status_record_t *record);
static const or_status_record_t *fixed_record(or_status_code_t code);
static void finish_message(char *message, int length);

/* A set bit is a record in use. Whoever turns a bit from 0 to 1 owns the record until it turns it back, so nothing else
 * guards it. */
static or_status_record_t pool[POOL_RECORDS];
static atomic_uint_fast64_t pool_used[POOL_WORDS];
static atomic_size_t live_count;

or_status_t or_status_make(or_status_code_t code, const char *place, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  or_status_t status = or_status_make_v(code, place, format, arguments);
  va_end(arguments);
  return status;
}

or_status_t or_status_make_v(or_status_code_t code, const char *place, const char *format, va_list arguments) {
  assert(code > OR_OK && code < OR_STATUS_CODE_COUNT);
  if (code <= OR_OK || code >= OR_STATUS_CODE_COUNT) code = OR_INTERNAL;
  (void)atomic_fetch_add_explicit(&live_count, 1, memory_order_relaxed);
  or_status_record_t *record = take_record();
  if (record == NULL) return (or_status_t){fixed_record(code)};
  record->code = code;
  record->place = place != NULL ? place : "";
  finish_message(record->message, vsnprintf(record->message, sizeof record->message, format, arguments));
  return (or_status_t){record};
}

or_status_t or_status_context(or_status_t status, const char *format, ...) {
  if (or_ok(status) || !is_pooled(status.record)) return status;
  or_status_record_t *record = &pool[status.record - pool];
  char joined[OR_STATUS_MESSAGE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(joined, sizeof joined, format, arguments);
  va_end(arguments);
  if (length < 0) return status;
  /* A long context must not push the message itself out: it gets at most half of the room. */
  size_t room = sizeof joined / 2;
  size_t context_length = (size_t)length < room ? (size_t)length : room;
  length = snprintf(joined + context_length, sizeof joined - context_length, ": %s", record->message);
  if (length > 0) length += (int)context_length;
  finish_message(joined, length);
  memcpy(record->message, joined, sizeof joined);
  return status;
}

or_status_code_t or_status_code(or_status_t status) { return or_ok(status) ? OR_OK : status.record->code; }

const char *or_status_message(or_status_t status) { return or_ok(status) ? "" : status.record->message; }

const char *or_status_place(or_status_t status) {
  if (or_ok(status)) return "";
  /* A build that leaves OR_FILE at __FILE__ gives a longer path; what stands before the last src/ is of no use to the
   * reader. */
  const char *place = status.record->place;
  for (const char *next = strstr(place, "src/"); next != NULL; next = strstr(place, "src/"))
    place = next + strlen("src/");
  return place;
}

or_status_t or_status_first(or_status_t first, or_status_t second) {
  if (or_ok(first)) return second;
  or_status_ignore(second);
  return first;
}

void or_status_ignore(or_status_t status) {
  if (or_ok(status)) return;
  if (is_pooled(status.record)) give_back(status.record);
  (void)atomic_fetch_sub_explicit(&live_count, 1, memory_order_relaxed);
}

size_t or_status_live_count(void) { return atomic_load_explicit(&live_count, memory_order_relaxed); }

static or_status_record_t *take_record(void) {
  for (size_t word = 0; word < POOL_WORDS; ++word) {
    uint_fast64_t used = atomic_load_explicit(&pool_used[word], memory_order_relaxed);
    while (~used != 0) {
      unsigned bit = (unsigned)__builtin_ctzll(~used);
      /* Acquire pairs with the release of give_back: the former owner's writes are over. */
      if (atomic_compare_exchange_weak_explicit(&pool_used[word], &used, used | (uint_fast64_t)1 << bit,
                                                memory_order_acquire, memory_order_relaxed)) {
        return &pool[word * 64 + bit];
      }
    }
  }
  return NULL;
}

static void give_back(const or_status_record_t *record) {
  size_t index = (size_t)(record - pool);
  uint_fast64_t bit = (uint_fast64_t)1 << (index % 64);
  uint_fast64_t before = atomic_fetch_and_explicit(&pool_used[index / 64], ~bit, memory_order_release);
  assert((before & bit) != 0); /* otherwise the status was ended twice */
  (void)before;
}

static bool is_pooled(const or_status_record_t *record) {
  uintptr_t address = (uintptr_t)record;
  return address >= (uintptr_t)&pool[0] && address < (uintptr_t)&pool[POOL_RECORDS];
}

#define LOST "too many errors alive; message lost"
static const or_status_record_t *fixed_record(or_status_code_t code) {
  static const or_status_record_t fixed[OR_STATUS_CODE_COUNT] = {
      [OR_INVALID_ARGUMENT] = {OR_INVALID_ARGUMENT, "", LOST},
      [OR_OUT_OF_RANGE] = {OR_OUT_OF_RANGE, "", LOST},
      [OR_NOT_FOUND] = {OR_NOT_FOUND, "", LOST},
      [OR_ALREADY_EXISTS] = {OR_ALREADY_EXISTS, "", LOST},
      [OR_FAILED_PRECONDITION] = {OR_FAILED_PRECONDITION, "", LOST},
      [OR_PERMISSION_DENIED] = {OR_PERMISSION_DENIED, "", LOST},
      [OR_RESOURCE_EXHAUSTED] = {OR_RESOURCE_EXHAUSTED, "", LOST},
      [OR_UNIMPLEMENTED] = {OR_UNIMPLEMENTED, "", LOST},
      [OR_UNAVAILABLE] = {OR_UNAVAILABLE, "", LOST},
      [OR_DATA_LOSS] = {OR_DATA_LOSS, "", LOST},
      [OR_CANCELLED] = {OR_CANCELLED, "", LOST},
      [OR_DEADLINE_EXCEEDED] = {OR_DEADLINE_EXCEEDED, "", LOST},
      [OR_DEVICE_LOST] = {OR_DEVICE_LOST, "", LOST},
      [OR_INTERNAL] = {OR_INTERNAL, "", LOST},
  };
  return &fixed[code];
}

/* Makes what vsnprintf left valid UTF-8: cut at a whole character, foreign bytes (a file name in another encoding)
 * replaced. */
static void finish_message(char *message, int length) {
  if (length < 0) {
    (void)or_format(message, OR_STATUS_MESSAGE_BYTES, "the message could not be formatted");
    return;
  }
  or_utf8_repair(message, strlen(message), (size_t)length >= OR_STATUS_MESSAGE_BYTES);
}

const or_status_mapping_t *or_status_mapping(or_status_code_t code) {
  /* gRPC numbers: google/rpc/code.proto. 499 is what servers use for a request that its client gave up. */
  static const or_status_mapping_t table[OR_STATUS_CODE_COUNT] = {
      {OR_OK, "ok", 200, 0, 0, "success"},
      {OR_INVALID_ARGUMENT, "invalid_argument", 400, 3, 2, "an argument is wrong"},
      {OR_OUT_OF_RANGE, "out_of_range", 400, 11, 1, "a size or index is outside what is possible"},
      {OR_NOT_FOUND, "not_found", 404, 5, 1, "no such thing"},
      {OR_ALREADY_EXISTS, "already_exists", 409, 6, 1, "the name is taken"},
      {OR_FAILED_PRECONDITION, "failed_precondition", 409, 9, 1, "not possible in the present state"},
      {OR_PERMISSION_DENIED, "permission_denied", 403, 7, 1, "not allowed"},
      {OR_RESOURCE_EXHAUSTED, "resource_exhausted", 507, 8, 1, "memory or another limit is used up"},
      {OR_UNIMPLEMENTED, "unimplemented", 501, 12, 1, "not available in this build or on this device"},
      {OR_UNAVAILABLE, "unavailable", 503, 14, 1, "not there at the moment"},
      {OR_DATA_LOSS, "data_loss", 422, 15, 1, "a file or message is corrupt, truncated or contradicts itself"},
      {OR_CANCELLED, "cancelled", 499, 1, 130, "cancelled by the caller"},
      {OR_DEADLINE_EXCEEDED, "deadline_exceeded", 504, 4, 1, "the time was up"},
      {OR_DEVICE_LOST, "device_lost", 503, 14, 1, "the device no longer answers"},
      {OR_INTERNAL, "internal", 500, 13, 1, "a mistake of ours"},
  };
  return &table[code >= OR_OK && code < OR_STATUS_CODE_COUNT ? code : OR_INTERNAL];
}
