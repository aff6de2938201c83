#ifndef OR_TESTS_FAKE_OPENCL_FAKE_OPENCL_INTERNAL_H
#define OR_TESTS_FAKE_OPENCL_FAKE_OPENCL_INTERNAL_H
/* What the library's two halves share: forward.c has the entry points, rules.c decides what becomes of a call. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum fake_call_t {
#define X(form, name, object, parameters, arguments) CALL_##name,
#include "fake_opencl/calls_list.h"
#undef X
  CALL_COUNT
} fake_call_t;

typedef enum fake_object_t {
  OBJECT_NONE,
  OBJECT_CONTEXT,
  OBJECT_QUEUE,
  OBJECT_MEMORY,
  OBJECT_PROGRAM,
  OBJECT_KERNEL,
  OBJECT_EVENT,
  OBJECT_SVM,
  OBJECT_COUNT
} fake_object_t;

#define FAKE_INVALID_OPERATION (-59)
#define FAKE_NO_PLATFORM (-1001)

/* Counts the call. The code that it is to fail with, or 0. */
int32_t fake_enter(fake_call_t call);
/* The system's entry point, or NULL where it has none. */
void *fake_real(fake_call_t call);
void fake_hold(fake_object_t object, int change);

/* What devices pretend. */
bool fake_is_gpu(void);
/* 0: as the device has it. */
uint32_t fake_group(void);
uint32_t fake_address_bits(void);
/* NULL: the driver's own. Copied: another thread may set another. */
bool fake_driver(char *out, size_t room);
/* Blanks the hidden words in a list of extensions. */
void fake_hide(char *extensions);
bool fake_hides(const char *extension);
/* The last call that failed was a build. */
bool fake_refused_build(void);

#endif
