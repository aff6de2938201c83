#ifndef OPENRUNTIME_STATUS_H
#define OPENRUNTIME_STATUS_H
/* The result of every call that can fail: a code, a message in words, and the place in our source. */

#include <stdarg.h>

#include "openruntime/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum or_status_code_t {
  OR_OK = 0,
  OR_INVALID_ARGUMENT = 1, /* the caller's mistake: shape, dtype, name, value */
  OR_OUT_OF_RANGE = 2,   /* a size or index outside what is possible here; a too small output names the bytes needed */
  OR_NOT_FOUND = 3,      /* no such model, device, file, task, name */
  OR_ALREADY_EXISTS = 4, /* taken */
  OR_FAILED_PRECONDITION = 5, /* right call, wrong state */
  OR_PERMISSION_DENIED = 6,   /* not allowed, by the system or by a rule of ours */
  OR_RESOURCE_EXHAUSTED = 7,  /* memory, a limit, a bound; the message carries the arithmetic */
  OR_UNIMPLEMENTED = 8,       /* an operator, dtype or feature that this build or device does not have */
  OR_UNAVAILABLE = 9,         /* a library, device or peer that is not there now; the message carries the cure */
  OR_DATA_LOSS = 10,          /* a file or message that is corrupt, truncated or contradicts itself */
  OR_CANCELLED = 11,          /* cancelled by the caller */
  OR_DEADLINE_EXCEEDED = 12,  /* the time was up */
  OR_DEVICE_LOST = 13,        /* the device no longer answers; what it held is gone */
  OR_INTERNAL = 14,           /* our mistake, or a library's answer that its documentation excludes */
} or_status_code_t;
#define OR_STATUS_CODE_COUNT 15

/* One pointer: NULL is success. A failure owns a record from a fixed pool, so making one never allocates and never
 * fails; exactly one of or_status_ignore, a return to the caller or another function that takes it ends it. When more
 * records than the pool holds are alive at once, further failures carry their code and a fixed message. A status may
 * pass between threads; it is not shared. */
#if defined(__clang__)
typedef struct __attribute__((warn_unused_result)) or_status_t {
#else
typedef struct or_status_t {
#endif
  const struct or_status_record_t *record;
} or_status_t;

static inline bool or_ok(or_status_t status) { return status.record == NULL; }
static inline or_status_t or_status_success(void) {
  or_status_t status = {NULL};
  return status;
}

/* The code; OR_OK for success. */
OR_API or_status_code_t or_status_code(or_status_t status);
/* The message, UTF-8, at most OR_STATUS_MESSAGE_BYTES with its terminator; "" for success. Valid until the status is
 * ended. */
OR_API const char *or_status_message(or_status_t status);
/* The source place, "hal/buffer.c:120"; "" for success. For logs; never shown to remote callers. */
OR_API const char *or_status_place(or_status_t status);
#define OR_STATUS_MESSAGE_BYTES 1000

/* Makes a failure. code != OR_OK. Use or_error. */
OR_API or_status_t or_status_make(or_status_code_t code, const char *place, const char *format, ...) OR_PRINTF(3, 4);
OR_API or_status_t or_status_make_v(or_status_code_t code, const char *place, const char *format, va_list arguments)
    OR_PRINTF(3, 0);
#define OR_STRINGIZE_(x) #x
#define OR_STRINGIZE(x) OR_STRINGIZE_(x)
#ifndef OR_FILE /* the build sets it to the path below src/ */
#define OR_FILE __FILE__
#endif
#define or_error(code, ...) OR_FAILURE_(or_status_make((code), OR_FILE ":" OR_STRINGIZE(__LINE__), __VA_ARGS__))
#if defined(__clang_analyzer__) /* it can't see into or_status_make, which never gives success */
static inline or_status_t or_status_assume_failure(or_status_t status) {
  if (or_ok(status)) __builtin_unreachable();
  return status;
}
#define OR_FAILURE_(status) or_status_assume_failure(status)
#else
#define OR_FAILURE_(status) (status)
#endif

/* Puts "CONTEXT: " before the message of a failure and returns it; success passes through. Takes the status. */
OR_API or_status_t or_status_context(or_status_t status, const char *format, ...) OR_PRINTF(2, 3);
/* The first failure of two; the other is ended. For cleanup paths. */
OR_API or_status_t or_status_first(or_status_t first, or_status_t second);
/* Ends a status whose failure is of no consequence here. The reason stands in a comment at the call. */
OR_API void or_status_ignore(or_status_t status);
/* Failures alive now, in the whole process; a test's check that none is lost. */
OR_API size_t or_status_live_count(void);

/* One table maps a code to every surface. */
typedef struct or_status_mapping_t {
  or_status_code_t code;
  const char *name;    /* error_code of the wire: "invalid_argument" */
  int http;            /* OpenRuntime's, the Open Inference Protocol's and OpenAI's HTTP status */
  int grpc;            /* google.rpc.Code */
  int exit_code;       /* the command line's */
  const char *summary; /* a few words */
} or_status_mapping_t;
/* The row of a code; that of OR_INTERNAL for a number that is none. */
OR_API const or_status_mapping_t *or_status_mapping(or_status_code_t code);

#ifdef __cplusplus
}
#endif
#endif
